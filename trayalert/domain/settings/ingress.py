"""How Cloud Monitor reaches this computer, as the setup assistant asks for it, and the public address for that."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


class Ingress(enum.StrEnum):
    """`host`: a public host of one's own, or a reverse proxy before it. `forward`: a router that forwards a port."""

    TUNNEL = "tunnel"
    HOST = "host"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenIngress:
    """What is to be written into the settings: `public_url`, and the `[tunnel]` table (empty: none)."""

    ingress: Ingress
    public_url: str | None = None
    tunnel: Mapping[str, object] = field(default_factory=dict)


def read_public_url(text: str) -> str | None:
    """Return a public address without a slash at its end; None where no callback could be sent to it.

    A person wrote it, or a tunnel program printed it.
    """
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
