"""The ingress: how Cloud Monitor reaches this computer. The user chooses the ingress in the setup assistant.

The module also parses the public address.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


class Ingress(enum.StrEnum):
    """The ways in which Cloud Monitor can reach this computer.

    - `TUNNEL`: callbacks come through a tunnel program.
    - `HOST`: callbacks come to a public address of this computer, or through a web server of the admin.
    - `FORWARD`: callbacks come through a router that forwards a port.
    """

    TUNNEL = "tunnel"
    HOST = "host"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenIngress:
    """The ingress that the user has chosen, with the settings that it needs: `public_url` and the `[tunnel]` table.

    The setup assistant writes these settings. If `tunnel` is empty, the settings have no `[tunnel]` table.
    """

    ingress: Ingress
    public_url: str | None = None
    tunnel: Mapping[str, object] = field(default_factory=dict)


def read_public_url(text: str) -> str | None:
    """Return a public address without a trailing slash, or None if no callback could be sent to the address.

    The address comes from the user or from the output of a tunnel program.
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
