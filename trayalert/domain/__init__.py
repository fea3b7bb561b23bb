"""Plain data and pure rules. Nothing in this package uses a clock, the disk, the network or Qt."""
