"""Simulates Cloud Monitor for `trayalert send` and for the setup assistant's sample."""
