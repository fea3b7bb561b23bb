"""Events, announced after their cause is on disk. They carry ids, not rows: a subscriber reads the log."""

from dataclasses import dataclass, field

from trayalert.domain.gap import Gap
from trayalert.domain.incident.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState


@dataclass(frozen=True, slots=True)
class CallbackArrived:
    """A callback was stored, a retry or not. Events are compared without their `delivery_id`."""

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
    """The listener opened at `host` and `port` (`problem` is None), or could not (`problem` is a sentence).

    With `opened` false the listener has been open before, and only its problem changed.
    """

    host: str
    port: int
    problem: str | None
    tls: bool = False
    opened: bool = True


@dataclass(frozen=True, slots=True)
class CallbackRefused:
    """A request that may be from one of the admin's senders was refused.

    `cause` is a word for the kind of refusal, `message` a sentence.
    """

    cause: str
    message: str


@dataclass(frozen=True, slots=True)
class LogChanged:
    """The state of the log changed."""

    state: LogState


@dataclass(frozen=True, slots=True)
class ResolveFailed:
    """An incident could not be marked recovered by hand; `message` is the reason as a sentence."""

    incident_id: int
    message: str


@dataclass(frozen=True, slots=True)
class ReparseProgress:
    """`done` of `total` old callbacks were parsed again. Nothing is notified.

    `turned` of them were unrecognised and are alerts now; of `refreshed` some field changed.
    """

    done: int
    total: int
    turned: int
    refreshed: int
    finished: bool


@dataclass(frozen=True, slots=True)
class ReachabilityChanged:
    """The reachability or its reason changed, or a probe ended."""

    state: ReachabilityState


@dataclass(frozen=True, slots=True)
class TunnelChanged:
    """The state of the tunnel changed."""

    state: TunnelState


@dataclass(frozen=True, slots=True)
class UrlChanged:
    """The public address changed, so that the alert rules in the console must be changed.

    `before` and `now` are equal once the old address is back or the person has confirmed the change.
    """

    before: str
    now: str


@dataclass(frozen=True, slots=True)
class GapChanged:
    """A gap began, or ended."""

    gap: Gap


@dataclass(frozen=True, slots=True)
class ReceptionResumed:
    """A gap that is long enough to be reported is over. Announced once for each gap.

    `callbacks` arrived since its end; `opened` incidents were opened by them, of which `firing` are still open.
    """

    gap: Gap
    callbacks: int
    opened: int
    firing: int


@dataclass(frozen=True, slots=True)
class SampleSent:
    """A sample callback was sent through the public address; `problem` is a sentence, None if it arrived."""

    problem: str | None


ProgramEvent = (
    TestReceived | ListenerChanged | CallbackRefused | LogChanged | ReachabilityChanged | UrlChanged | ReceptionResumed
)
"""The events about the program itself that may be notified."""

Event = (
    ProgramEvent
    | CallbackArrived
    | IncidentChanged
    | ResolveFailed
    | ReparseProgress
    | TunnelChanged
    | GapChanged
    | SampleSent
)
