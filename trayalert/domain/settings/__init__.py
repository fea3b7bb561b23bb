"""The settings: what settings.toml may contain, read into plain data."""
