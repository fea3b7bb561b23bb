"""Access to the listener: secrets, source addresses, and the sentences that report refused requests."""
