"""The log, which is one SQLite file, and all SQL of the program.

One connection writes; all other connections only read.
"""
