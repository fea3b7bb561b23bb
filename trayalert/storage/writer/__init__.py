"""The only connection that writes to the log, and the tasks that run on this connection."""
