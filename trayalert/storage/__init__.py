"""The log, a single SQLite file, and all of the program's SQL.

One connection writes to the log. All other connections are read-only.
"""
