"""Composes and runs: where things lie, the receiver with no Qt, the desktop with it, and quitting in good order."""
