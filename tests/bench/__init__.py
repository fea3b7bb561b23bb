"""Measures speed and memory in one run and prints a table. Run by `make bench`, not by the tests."""
