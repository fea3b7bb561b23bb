"""Parsers that turn the bytes of a callback into alerts.

Each kind of callback has one file, and `kinds` finds the kind of a callback. All parsers are pure: the same bytes
always give the same alerts. `kinds.read_callback` never raises.
"""
