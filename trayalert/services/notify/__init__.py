"""Who is notified of what, and in which sentences."""
