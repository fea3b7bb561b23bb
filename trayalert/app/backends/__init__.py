"""What the widgets ask and request: of the running program, of its setup, and of a program whose start failed."""
