"""The tunnel through which callbacks arrive: a third-party program that trayalert starts and supervises.

`domain/settings/tunnel_presets.py` describes the programs, `domain/settings/tunnel_table.py` reads the settings, and
`services/tunnel/supervisor.py` runs the program.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """The `[tunnel]` table of the settings. Each kind of tunnel uses only some of these fields."""

    kind: str
    """A key of PRESETS."""
    program: str | None = None
    """The name or path of the program to run, or None for the usual program of this kind."""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    token_file: str | None = None
    token_variable: str | None = None
    name: str | None = None
    config: str | None = None
    host: str | None = None
    ssh_port: int | None = None
    remote_port: int | None = None
    remote_host: str = "localhost"
    identity: str | None = None
    command: tuple[str, ...] = ()
    url_pattern: str | None = None


class Phase(enum.StrEnum):
    """What the tunnel's program is doing."""

    OFF = "off"
    STARTING = "starting"
    UP = "up"
    WAITING = "waiting"
    """The program has ended and will be started again at `TunnelState.until`."""
    MISSING = "missing"
    """The program is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelState:
    """The current state of the tunnel."""

    kind: str | None = None
    phase: Phase = Phase.OFF
    url: str | None = None
    """The public address without a path, either from the settings or from the program's output."""
    why: str | None = None
    """A sentence that says what is wrong, or None."""
    warning: str | None = None
    """A warning that applies while the tunnel is up, for example that the address changes at each start.

    None if no warning applies.
    """
    since: Millis | None = None
    """When `phase` last changed."""
    until: Millis | None = None
    """When the program will be started again, or None if no restart is planned."""
    restarts: int = 0
    pid: int | None = None
    """The process id of the reaper under which the program runs. SIGTERM to the reaper also ends the program."""
    output: tuple[str, ...] = ()
    """The last lines of the program's output, with secrets masked."""
