"""The tunnel through which callbacks come in: a third-party program that trayalert starts and supervises.

`domain/settings/tunnel_presets.py` knows the programs, `domain/settings/tunnel_table.py` reads the settings,
`services/tunnel/supervisor.py` runs the program.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """The settings' table `[tunnel]`. `kind` is a key of PRESETS; what a kind does not need is unset."""

    kind: str
    program: str | None = None
    """A name or path to use instead of the kind's program."""
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
    """`waiting`: the program ended, and is started again at `until`. `missing`: the program is not installed."""

    OFF = "off"
    STARTING = "starting"
    UP = "up"
    WAITING = "waiting"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelState:
    """The state of the tunnel. `why` is a sentence on what is wrong; `output` its last lines with secrets masked.

    `url` is the public address, fixed or found in the output, without a path. `warning` is a sentence that holds while
    the tunnel is up, such as that the address changes at each start. `pid` is that of the guard process under which the
    program runs: SIGTERM to it ends both.
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
