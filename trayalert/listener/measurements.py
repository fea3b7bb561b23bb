"""What is measured of the program, as plain numbers: for Prometheus, and for nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from trayalert.domain.incident.level import Level
from trayalert.domain.reachability import Reachability
from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """None is what is not known now: it is left out, as a 0 would be a lie.

    Counts of the door are of this run, those of the log of all that it holds. `tunnel_up` is None where none is set.
    """

    version: str
    mode: str
    uptime: float
    requests: int = 0
    stored: int = 0
    strangers: int = 0
    probes: int = 0
    turned_away: int = 0
    mistyped: int = 0
    storing: bool = False
    open_incidents: Mapping[Level, int] | None = None
    alerts: int | None = None
    deliveries: int | None = None
    unrecognised: int | None = None
    last_callback_at: Millis | None = None
    reach: Reachability = Reachability.UNKNOWN
    reach_since: Millis | None = None
    probe_good_at: Millis | None = None
    probe_ms: int | None = None
    tunnel_up: bool | None = None
    tunnel_restarts: int = 0
