"""Runs the tunnel program: starts it, watches it, restarts it, and ends it with all its child processes."""
