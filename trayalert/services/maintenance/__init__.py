"""Keeps the log in good order: backups, retention, salvage, reparse, checks."""
