"""Implements the protocols of `ui/backend.py`, for the running program and for a program that could not start."""
