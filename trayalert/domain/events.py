"""What the inbox announces, after it is on disk. Events carry numbers, not rows: who shows them asks the log."""

from dataclasses import dataclass, field

from trayalert.domain.gap import Gap
from trayalert.domain.incident.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState


@dataclass(frozen=True, slots=True)
class CallbackArrived:
    """A callback was stored, a retry or not. `delivery_id` is its number in the log; events are equal without it."""

    received_at: Millis
    delivery_id: int = field(default=0, compare=False)


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
class ListenerChanged:
    """The listener opened (`problem` is None, `host` and `port` are the real ones) or could not (a sentence).

    Not `opened`: it is open all the while, but there is something new to say of it.
    """

    host: str
    port: int
    problem: str | None
    tls: bool = False
    opened: bool = True


@dataclass(frozen=True, slots=True)
class CallbackRefused:
    """A request that may have come from one of the admin's senders was refused; a sentence says why.

    `cause` is a word for the kind of refusal.
    """

    cause: str
    message: str


@dataclass(frozen=True, slots=True)
class LogChanged:
    """The log is in another state: it can store or not, it was moved aside, salvaged, or has room again."""

    state: LogState


@dataclass(frozen=True, slots=True)
class ResolveFailed:
    """An incident could not be marked recovered by hand; a sentence says why."""

    incident_id: int
    message: str


@dataclass(frozen=True, slots=True)
class ReparseProgress:
    """Old callbacks were read again, up to a place in the log; `finished` with the last. Nobody is to be disturbed.

    `done` of `total` callbacks; `turned` were unrecognised and are alerts now, in others something is `refreshed`.
    """

    done: int
    total: int
    turned: int
    refreshed: int
    finished: bool


@dataclass(frozen=True, slots=True)
class ReachabilityChanged:
    """Whether the outside can reach us is another now, or why; also a probe that changed nothing else."""

    state: ReachabilityState


@dataclass(frozen=True, slots=True)
class TunnelChanged:
    """The tunnel is in another state."""

    state: TunnelState


@dataclass(frozen=True, slots=True)
class UrlChanged:
    """The public address is another than the one before, which the console's rules have: they must be changed.

    Both the same: it is as it was again, or the person knows.
    """

    before: str
    now: str


@dataclass(frozen=True, slots=True)
class GapChanged:
    """A gap began, or ended."""

    gap: Gap


@dataclass(frozen=True, slots=True)
class ReceptionResumed:
    """The program is back from a gap that is worth telling, once: what came since, until the moment of telling.

    `callbacks` arrived since its end; `opened` incidents were opened by them, `firing` of those are open still.
    """

    gap: Gap
    callbacks: int
    opened: int
    firing: int


@dataclass(frozen=True, slots=True)
class SampleSent:
    """A sample callback was sent through the public address; a sentence says what went wrong, None: it came in."""

    problem: str | None


Event = (
    CallbackArrived
    | IncidentChanged
    | TestReceived
    | ListenerChanged
    | CallbackRefused
    | LogChanged
    | ResolveFailed
    | ReparseProgress
    | ReachabilityChanged
    | TunnelChanged
    | UrlChanged
    | GapChanged
    | ReceptionResumed
    | SampleSent
)
