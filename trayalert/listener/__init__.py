"""The HTTP server, which passes on callbacks as raw bytes. This package neither parses nor stores callbacks."""
