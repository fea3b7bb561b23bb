"""The tunnel through which the outside comes in: a program of others that trayalert starts and watches over.

Plain facts: what is wanted, and how it is. `domain/settings/tunnel_presets.py` knows the programs,
`domain/settings/tunnel_table.py` reads the settings, `services/tunnel/supervisor.py` runs it.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """A tunnel as the settings name it (`[tunnel]`). `kind` is a key of PRESETS; what a kind does not need is unset."""

    kind: str
    program: str | None = None
    """Another name or path of the kind's program."""
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
    that holds though it is up, such as that the address changes at each start. `pid` is that of the guard under which
    the program runs: a TERM to it ends both.
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
