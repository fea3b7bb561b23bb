"""What all kinds read with: the body as text or JSON, names without their spelling, dimensions, identities."""
