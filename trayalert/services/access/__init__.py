"""Who is let in: secrets, source addresses, and those who guess secrets."""
