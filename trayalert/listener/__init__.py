"""The only HTTP server. It knows neither the log nor the kinds of callbacks: bytes go to whoever receives them."""
