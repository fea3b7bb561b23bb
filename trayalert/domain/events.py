"""What the inbox announces, after it is on disk. Events carry numbers, not rows: who shows them asks the log."""

from dataclasses import dataclass

from trayalert.domain.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True)
class CallbackArrived:
    """A callback was stored, a retry or not."""

    received_at: Millis


@dataclass(frozen=True, slots=True)
class IncidentChanged:
    """An incident was opened, joined or closed."""

    incident_id: int
    change: Change


@dataclass(frozen=True, slots=True)
class TestReceived:
    """The console's Test button came through."""

    received_at: Millis


@dataclass(frozen=True, slots=True)
class DoorChanged:
    """The listener opened (`problem` is None, `host` and `port` are the real ones) or could not (a sentence).

    Not `opened`: it is open all the while, but there is something new to say of it.
    """

    host: str
    port: int
    problem: str | None
    tls: bool = False
    opened: bool = True


@dataclass(frozen=True, slots=True)
class LogChanged:
    """The log is in another state: it can store or not, it was moved aside, salvaged, or has room again."""

    state: LogState


@dataclass(frozen=True, slots=True)
class ResolveFailed:
    """An incident could not be marked recovered by hand; a sentence says why."""

    incident_id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Reread:
    """Old callbacks were read again, up to a place in the log; `finished` with the last. Nobody is to be disturbed.

    `done` of `total` callbacks; `turned` were unrecognised and are alerts now, in others something is `refreshed`.
    """

    done: int
    total: int
    turned: int
    refreshed: int
    finished: bool


Event = CallbackArrived | IncidentChanged | TestReceived | DoorChanged | LogChanged | ResolveFailed | Reread
