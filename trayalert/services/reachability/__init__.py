"""Tests with probes whether Cloud Monitor can reach trayalert, and records gaps."""
