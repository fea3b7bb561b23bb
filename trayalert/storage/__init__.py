"""The log: one SQLite file. The only SQL of the program; one connection writes, all others read."""
