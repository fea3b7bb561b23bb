"""Parsers that turn the bytes of a callback into alerts.

Each kind of callback has a module of its own, and `kinds` finds out which kind a callback is. All parsers are pure: the
same bytes always produce the same alerts. `kinds.read_callback` never raises.
"""
