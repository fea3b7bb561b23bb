"""Access to the listener: secrets, source addresses, and sentences on refused requests."""
