"""Callback sources: the HTTP listener, and in later versions a queue or a stream."""
