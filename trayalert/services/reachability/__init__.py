"""Tests with probes whether Cloud Monitor can reach trayalert, and records gaps in which no callback could arrive."""
