"""Composes and runs the parts of trayalert: the receiver, which needs no Qt, and the tray application."""
