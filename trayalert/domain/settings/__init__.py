"""The settings: what settings.toml may say, and the plain data that it becomes."""
