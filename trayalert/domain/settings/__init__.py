"""The settings: what settings.toml may hold, read into plain data."""
