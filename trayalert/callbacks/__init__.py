"""Bytes become alerts: one file per kind of callback, and `kinds`, which tells them apart. Pure, and never raises."""
