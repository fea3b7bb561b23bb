"""Secrets, source addresses, the secret store, and the sentences that report refused requests."""
