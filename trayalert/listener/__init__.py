"""The HTTP server, which passes the bytes of callbacks on, and knows neither the log nor the kinds of callbacks."""
