"""Desktop notifications: over D-Bus on Linux, with a library elsewhere."""
