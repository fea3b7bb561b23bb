"""The control socket, through which commands reach the running instance, and the lock of the data dir."""
