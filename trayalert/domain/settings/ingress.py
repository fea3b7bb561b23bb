"""The way in which Cloud Monitor reaches this computer, as the guide asks for it and the settings keep it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


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
