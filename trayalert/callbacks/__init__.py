"""Parsers that turn the bytes of a callback into alerts.

Each kind of callback has its own module, and the module `kinds` determines the kind of a callback. All parsers are
pure: the same bytes always produce the same alerts. `kinds.read_callback` never raises.
"""
