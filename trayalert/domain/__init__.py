"""Plain data and pure rules. Nothing here knows a clock, a disk, a network or Qt."""
