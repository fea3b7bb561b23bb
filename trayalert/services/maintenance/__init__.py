"""Maintenance of the log: backups, retention, salvage, reparse and checks."""
