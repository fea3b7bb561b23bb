"""Measures speed and memory in one run and prints a table. `make bench` runs it; the tests do not."""
