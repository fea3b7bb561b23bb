"""The address under which the outside comes in. One form of it, whether a person wrote it or a program printed it."""

from urllib.parse import urlsplit


def read_public_url(text: str) -> str | None:
    """Return the address without a slash at its end; None where it is none that a callback could be sent to."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or port == 0:
        return None
    if not text.isascii() or not text.isprintable() or " " in text or "@" in parts.netloc or "/hook/" in parts.path:
        return None
    return text.rstrip("/")
