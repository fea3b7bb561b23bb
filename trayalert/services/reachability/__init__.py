"""Finds out by probes whether Cloud Monitor can reach this computer, and records gaps when no callback can arrive."""
