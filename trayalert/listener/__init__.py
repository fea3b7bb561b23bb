"""The HTTP server. It passes the bytes of callbacks on, and knows neither the log nor the kinds of callbacks."""
