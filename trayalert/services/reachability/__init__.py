"""Finds out by probes whether Cloud Monitor can reach this computer, and records the gaps in which it could not."""
