"""The control socket, over which commands talk to the running instance, and the lock of the data dir."""
