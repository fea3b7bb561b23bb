"""Presents alerts, incidents and the status as text, JSON, tables and exports."""
