"""The HTTP server. It passes on the raw bytes of callbacks, and knows neither the log nor the kinds of callbacks."""
