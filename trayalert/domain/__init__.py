"""Plain data and pure rules. Nothing in this package uses a clock, a disk, a network or Qt."""
