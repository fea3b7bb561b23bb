"""Parsing code that all kinds of callback share: bodies, names in any spelling, dimensions and identities."""
