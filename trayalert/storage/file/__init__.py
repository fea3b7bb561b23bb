"""Opening, verifying and watching the log's file, which other programs may change at any time."""
