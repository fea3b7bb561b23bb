"""Composes the parts of trayalert and runs them: the receiver, which needs no Qt, and the tray application."""
