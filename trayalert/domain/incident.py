"""An incident is the run of alerts of one rule on one resource. The one rule here: how an alert folds into incidents.

`fold` is pure. The storage gives it what it knows and writes down what it returns, in the alert's own transaction.
Arrival order must not matter: an alert's place is its event time, where unreadable its arrival, and at equal times
ALERT wins over OK, so that nothing turns green by accident.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

from trayalert.domain.alert import Alert, Kind, State
from trayalert.domain.level import Level, worst
from trayalert.domain.times import Millis

UNRECOGNISED_KEY = '["unrecognised"]'
UNRECOGNISED_SPAN: Millis = 24 * 3_600_000
"""The incident of unrecognised callbacks closes by itself this long after the last one."""


class Change(enum.StrEnum):
    """What an alert did to its incident."""

    OPENED = "opened"
    LEVEL = "level"  # joined with another level than before
    NO_DATA = "no data"  # joined and marked
    COUNTED = "counted"  # joined, nothing new
    LATE = "late"  # joined an incident that was over by then
    RECOVERED = "recovered"
    RECOVERED_UNKNOWN = "recovered, start unknown"
    SUPERSEDED = "superseded"  # its own OK was lost
    EXPIRED = "expired"  # nothing ever resolves it; its time is over
    RESOLVED = "resolved"  # by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident. Moments are event times, but for `last_received_at` and `expires_at`. `id` is 0 until stored.

    `fired_at` is the latest ALERT's moment, `ok_at` the latest OK's, `last_at` that of the alert that stands for it
    (`last_alert_id`). `closed_by` is the Change that closed it.
    """

    id: int = 0
    key: str
    subject: str
    opened_at: Millis
    start_known: bool = True
    closed_at: Millis | None = None
    closed_by: Change | None = None
    level: Level
    worst_level: Level
    no_data: bool = False
    fired_at: Millis | None = None
    ok_at: Millis | None = None
    last_at: Millis
    last_received_at: Millis
    expires_at: Millis | None = None
    alerts: int = 1
    last_alert_id: int = 0

    @property
    def open(self) -> bool:
        """Whether it still burns, as far as is known."""
        return self.closed_at is None

    @property
    def over_at(self) -> Millis | None:
        """The moment before which an alert of its key belongs to it and is late."""
        if self.open:
            return None
        return self.closed_at if self.closed_by is Change.SUPERSEDED else self.ok_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What became of it: the incident that the alert joined, and others that it closed."""

    joined: Incident
    change: Change
    superseded: tuple[Incident, ...] = ()


def fold(alert: Alert, *, received_at: Millis, known: Sequence[Incident]) -> Folded:
    """Fold an alert into the `known` incidents of its key or subject (all open ones, and closed ones of its key).

    The alert must not be of kind `test`. New incidents have the id 0.
    """
    at = alert.at if alert.at is not None else received_at
    own = [incident for incident in known if _same(alert, incident)]
    late = [(incident.over_at, incident) for incident in own if incident.over_at is not None]
    homes = [pair for pair in late if at < pair[0] or (at == pair[0] and alert.state is State.OK)]
    if homes:
        return _join_late(alert, at, received_at, min(homes, key=lambda pair: pair[0])[1])
    open_own = next((incident for incident in own if incident.open), None)
    rivals = [incident for incident in known if incident.open and not _same(alert, incident)]
    match alert.state:
        case State.OK:
            return _recover(alert, at, received_at, own, rivals)
        case State.INSUFFICIENT_DATA:
            return _lose_data(alert, at, received_at, open_own or next(iter(rivals), None))
        case _:
            return _fire(alert, at, received_at, open_own, rivals)


def _same(alert: Alert, incident: Incident) -> bool:
    """Whether the alert names this incident; one with no key of its own names any of its subject."""
    return incident.key == alert.key or (alert.key == alert.subject == incident.subject)


def _opened(alert: Alert, at: Millis, received_at: Millis) -> Incident:
    unrecognised = alert.kind is Kind.UNRECOGNISED
    no_data = alert.state is State.INSUFFICIENT_DATA
    level = Level.INFO if no_data else alert.level
    return Incident(
        key=alert.key,
        subject=alert.subject,
        opened_at=at,
        level=level,
        worst_level=level,
        no_data=no_data,
        fired_at=None if no_data else at,
        last_at=at,
        last_received_at=received_at,
        expires_at=received_at + UNRECOGNISED_SPAN if unrecognised else None,
    )


def _counted(incident: Incident, at: Millis, received_at: Millis) -> Incident:
    expires_at = incident.expires_at
    if expires_at is not None:
        expires_at = max(expires_at, received_at + UNRECOGNISED_SPAN)
    return replace(
        incident,
        alerts=incident.alerts + 1,
        last_at=max(incident.last_at, at),
        last_received_at=max(incident.last_received_at, received_at),
        expires_at=expires_at,
    )


def _join_late(alert: Alert, at: Millis, received_at: Millis, home: Incident) -> Folded:
    joined = _counted(home, at, received_at)
    if alert.state is State.ALERT:
        joined = replace(
            joined,
            opened_at=min(joined.opened_at, at),
            start_known=True,
            worst_level=worst(joined.worst_level, alert.level),
            fired_at=max(joined.fired_at or at, at),
        )
    elif alert.state is State.OK:
        joined = replace(joined, ok_at=max(joined.ok_at or at, at))
    return Folded(joined=joined, change=Change.LATE)


def _recover(alert: Alert, at: Millis, received_at: Millis, own: list[Incident], rivals: list[Incident]) -> Folded:
    open_own = next((incident for incident in own if incident.open), None)
    if open_own is None:
        # closed by hand or superseded before its OK came: this is that OK, and it must not close another one
        waiting = [incident for incident in own if incident.ok_at is None and incident.opened_at <= at]
        if waiting:
            newest = max(waiting, key=lambda incident: incident.opened_at)
            joined = replace(_counted(newest, at, received_at), ok_at=at, level=Level.OK)
            return Folded(joined=joined, change=Change.LATE)
    burning = open_own or next((rival for rival in rivals if _before(rival, at)), None)
    if burning is None:
        lone = replace(
            _opened(alert, at, received_at),
            level=Level.OK,
            worst_level=alert.previous_level or Level.OK,
            fired_at=None,
            start_known=False,
        )
        return Folded(joined=_closed(lone, at, Change.RECOVERED), change=Change.RECOVERED_UNKNOWN)
    joined = replace(_counted(burning, at, received_at), ok_at=max(burning.ok_at or at, at))
    if not _before(burning, at):
        return Folded(joined=joined, change=Change.COUNTED)
    joined = _closed(replace(joined, level=Level.OK, no_data=False), max(at, joined.opened_at), Change.RECOVERED)
    return Folded(joined=joined, change=Change.RECOVERED)


def _before(incident: Incident, at: Millis) -> bool:
    """Whether everything bad that is known of the incident lies before `at`."""
    return (incident.fired_at if incident.fired_at is not None else incident.opened_at - 1) < at


def _lose_data(alert: Alert, at: Millis, received_at: Millis, burning: Incident | None) -> Folded:
    if burning is None:
        return Folded(joined=_opened(alert, at, received_at), change=Change.OPENED)
    newest = at >= burning.last_at
    joined = replace(_counted(burning, at, received_at), no_data=burning.no_data or newest)
    return Folded(joined=joined, change=Change.COUNTED if joined.no_data == burning.no_data else Change.NO_DATA)


def _fire(alert: Alert, at: Millis, received_at: Millis, open_own: Incident | None, rivals: list[Incident]) -> Folded:
    if open_own is None:
        opened = _opened(alert, at, received_at)
        newer = [rival.opened_at for rival in rivals if rival.opened_at > at]
        if newer:  # an older run whose OK was lost; the one that is open came after it
            return Folded(joined=_closed(opened, min(newer), Change.SUPERSEDED), change=Change.LATE)
        over = tuple(_closed(rival, max(at, rival.opened_at), Change.SUPERSEDED) for rival in rivals)
        return Folded(joined=opened, change=Change.OPENED, superseded=over)
    joined = replace(
        _counted(open_own, at, received_at),
        opened_at=min(open_own.opened_at, at),
        start_known=True,
        worst_level=worst(open_own.worst_level, alert.level),
        fired_at=max(open_own.fired_at or at, at),
    )
    if at >= open_own.last_at:
        joined = replace(joined, level=alert.level, no_data=False)
    return Folded(joined=joined, change=Change.COUNTED if joined.level is open_own.level else Change.LEVEL)


def _closed(incident: Incident, at: Millis, by: Change) -> Incident:
    return replace(
        incident, closed_at=at, closed_by=by, ok_at=at if by is Change.RECOVERED else incident.ok_at, expires_at=None
    )


def resolve(incident: Incident, *, now: Millis) -> Incident:
    """Mark an open incident recovered by hand."""
    return _closed(incident, max(now, incident.opened_at), Change.RESOLVED)


def expire(incident: Incident) -> Incident:
    """Close an open incident whose own time is over."""
    return _closed(incident, incident.expires_at or incident.last_received_at, Change.EXPIRED)
