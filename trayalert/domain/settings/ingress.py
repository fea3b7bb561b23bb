"""The ingress, which the user chooses in the setup assistant: how Cloud Monitor reaches this computer.

The module also reads the public address.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


class Ingress(enum.StrEnum):
    """The ways to reach this computer.

    With `TUNNEL`, callbacks come through a tunnel program. With `HOST`, they come to a public host of the admin, or
    through a reverse proxy in front of it. With `FORWARD`, they come through a router that forwards a port.
    """

    TUNNEL = "tunnel"
    HOST = "host"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenIngress:
    """What the setup assistant writes into the settings: `public_url`, and the `[tunnel]` table.

    An empty `tunnel` means that the settings have no such table.
    """

    ingress: Ingress
    public_url: str | None = None
    tunnel: Mapping[str, object] = field(default_factory=dict)


def read_public_url(text: str) -> str | None:
    """Return a public address without a slash at its end, or None if no callback could be sent to the address.

    The text comes from the user or from the output of a tunnel program.
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
