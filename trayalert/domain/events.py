"""Events that tell subscribers what has changed.

An event about stored data is announced only after the data are on disk. Events carry ids instead of rows. A subscriber
that needs a row reads it from the log.
"""

from dataclasses import dataclass, field

from trayalert.domain.gap import Gap
from trayalert.domain.incident.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState


@dataclass(frozen=True, slots=True)
class CallbackArrived:
    """A callback was stored. The callback may be a retry.

    Two CallbackArrived events are compared without their `delivery_id`.
    """

    received_at: Millis
    delivery_id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class IncidentChanged:
    """An incident was opened or closed, or an alert was added to an incident. `change` says what happened."""

    incident_id: int
    change: Change


@dataclass(frozen=True, slots=True)
class TestReceived:
    """A request from the Test button in a sender's console has arrived."""

    received_at: Millis


@dataclass(frozen=True, slots=True)
class ListenerChanged:
    """The state of the listener at `host` and `port` changed."""

    host: str
    port: int
    problem: str | None
    """A sentence that says why the listener is not open, or None if the listener is open."""
    tls: bool = False
    opened: bool = True
    """False if the listener was already open, and only `ListenerState.note` has changed.

    If there is a `problem`, this field has no meaning.
    """


@dataclass(frozen=True, slots=True)
class CallbackRefused:
    """A request that may have come from one of the admin's senders was refused.

    `cause` is a word for the kind of refusal, and `message` is a sentence about the refusal.
    """

    cause: str
    message: str


@dataclass(frozen=True, slots=True)
class LogChanged:
    """The state of the log changed."""

    state: LogState


@dataclass(frozen=True, slots=True)
class ResolveFailed:
    """The user could not mark an incident as recovered. `message` is a sentence that says why."""

    incident_id: int
    message: str


@dataclass(frozen=True, slots=True)
class ReparseProgress:
    """A reparse has parsed some more deliveries. Alerts that a reparse finds cause no notifications."""

    done: int
    """The id of the delivery up to which the reparse has come."""
    total: int
    """The id of the delivery at which the reparse will end."""
    turned: int
    """Number of alerts that were unrecognised and are now recognised, counted since the reparse began."""
    refreshed: int
    """Number of alerts in which a field has changed, counted since the reparse began."""
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
    """The public address now differs from the address that the user knows, or no longer differs from it.

    `before` is the address that the user knows. While `before` and `now` differ, the admin must change the callback URL
    in the console's alert rules. `before` and `now` are equal if the old address is back or the user has confirmed the
    new address.
    """

    before: str
    now: str


@dataclass(frozen=True, slots=True)
class GapChanged:
    """A gap began or ended."""

    gap: Gap


@dataclass(frozen=True, slots=True)
class ReceptionResumed:
    """A gap that was long enough to be reported has ended.

    This event counts what has arrived in the seconds after the gap. The event is announced once for each gap, at the
    end of these seconds. A gap with the cause `blind` causes no event, because ReachabilityChanged already reports its
    end.
    """

    gap: Gap
    callbacks: int
    """Number of callbacks that have arrived since the end of the gap."""
    opened: int
    """Number of incidents that have opened since the end of the gap."""
    firing: int
    """Number of incidents that have opened since the end of the gap and are still open."""


@dataclass(frozen=True, slots=True)
class SampleSent:
    """A sample alert and its recovery were sent, or sending one of them has failed.

    `problem` is a sentence that says why the sample did not arrive, or None if the sample arrived.
    """

    problem: str | None
    public: bool
    """Whether the sample was sent to the public address.

    If no public address is known, the sample is sent to the listener's own address. A sample at the listener's own
    address does not prove that Cloud Monitor can reach the listener.
    """


ProgramEvent = (
    TestReceived | ListenerChanged | CallbackRefused | LogChanged | ReachabilityChanged | UrlChanged | ReceptionResumed
)
"""Events about the program itself. Each event may cause a notification."""

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
