"""The settings: what `settings.toml` may contain, parsed into plain data."""
