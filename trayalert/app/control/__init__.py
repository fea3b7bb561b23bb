"""How a command asks the running instance, and which process owns the data dir."""
