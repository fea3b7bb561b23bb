"""Expected callbacks: senders that must not stay silent."""
