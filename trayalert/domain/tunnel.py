"""The tunnel through which the outside comes in: a program of others that trayalert starts and watches over.

Pure: what to run and how its public address is told, as the settings want it. `services/tunnel.py` runs it.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from trayalert.domain.text import as_written
from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """A tunnel as the settings name it (`[tunnel]`)."""

    kind: str
    """A key of PRESETS."""
    settings: Mapping[str, object] = field(default_factory=dict)


class Phase(enum.StrEnum):
    """How a tunnel is. `waiting`: it ended, and is started again at `until`. `missing`: its program is not here."""

    OFF = "off"
    STARTING = "starting"
    UP = "up"
    WAITING = "waiting"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelState:
    """A tunnel as it is told. `why` is a sentence on what is wrong; `output` the last masked lines that it said.

    `url` is the public address that is known now (fixed or found in the output), with no path. `warning` is a sentence
    that holds though it is up, such as that the address changes at each start.
    """

    kind: str | None = None
    phase: Phase = Phase.OFF
    url: str | None = None
    why: str | None = None
    warning: str | None = None
    since: Millis | None = None
    until: Millis | None = None
    restarts: int = 0
    pid: int | None = None
    output: tuple[str, ...] = ()


def read_tunnel(value: object) -> tuple[Tunnel | None, tuple[str, ...]]:
    """Read the `[tunnel]` table. Return the tunnel (None: none) and a sentence for every problem."""
    return None, (f"[tunnel] {as_written(value)}: it is not known yet.",)
