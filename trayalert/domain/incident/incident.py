"""An incident is the run of alerts of one rule on one resource. The one rule here: how an alert folds into incidents.

`fold` is pure. The storage gives it what it knows and writes down what it returns, in the alert's own transaction.
Arrival order must not matter: an alert's place is its event time, where unreadable its arrival, and at equal times
ALERT wins over OK, so that nothing turns green by accident; but for those that are dated once, beginning and end alike.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from trayalert.domain.incident.alert import UNRECOGNISED, Alert, State
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.times import Millis

UNRECOGNISED_KEY = '["unrecognised"]'
UNRECOGNISED_SPAN: Millis = 24 * 3_600_000
"""The incident of unrecognised callbacks closes by itself this long after the last one."""

_ONE_OFF_SPANS: dict[Level, Millis] = {
    Level.OK: 3_600_000,
    Level.INFO: 3_600_000,
    Level.WARN: 24 * 3_600_000,
    Level.CRITICAL: 72 * 3_600_000,
}
"""So does one of events that nothing ever resolves."""

_FUTURE_LIMIT: Millis = 10 * 366 * 24 * 3_600_000
"""No clock is so far ahead: such a time is unreadable. An OK of then would make every ALERT until then late."""


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


class Incident(NamedTuple):
    """One incident. Moments are event times, but for `last_received_at` and `expires_at`. `id` is 0 until stored.

    `fired_at` is the latest ALERT's moment, `last_at` that of the alert that stands for it (`last_alert_id`), `ok_at`
    the latest OK's, None while open. `closed_by` is the Change that closed it. A tuple, as one is made anew for
    every alert.
    """

    key: str
    subject: str
    opened_at: Millis
    level: Level
    worst_level: Level
    last_at: Millis
    last_received_at: Millis
    start_known: bool = True
    no_data: bool = False
    fired_at: Millis | None = None
    ok_at: Millis | None = None
    closed_at: Millis | None = None
    closed_by: Change | None = None
    expires_at: Millis | None = None
    alerts: int = 1
    last_alert_id: int = 0
    id: int = 0

    @property
    def open(self) -> bool:
        """Whether it still burns, as far as is known."""
        return self.closed_at is None

    @property
    def late_before(self) -> Millis | None:
        """The moment before which an alert of its key belongs to it and is late."""
        if self.open:
            return None
        return self.closed_at if self.closed_by is Change.SUPERSEDED else self.ok_at


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult:
    """What became of it: the incident that the alert joined, and others that it closed."""

    joined: Incident
    change: Change
    superseded: tuple[Incident, ...] = ()


def event_time(alert: Alert, *, received_at: Millis) -> Millis:
    """Return an alert's place in time: when it happened, where that cannot be read when it came."""
    return received_at if alert.at is None or alert.at > received_at + _FUTURE_LIMIT else alert.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An alert (not of kind `test`), its number in the log, and when it came."""

    alert: Alert
    alert_id: int
    received_at: Millis

    @property
    def at(self) -> Millis:
        """Its place in time."""
        return event_time(self.alert, received_at=self.received_at)


def fold(arrival: Arrival, incidents: Sequence[Incident]) -> FoldResult:
    """Fold an alert into `incidents`: those of its key or subject: all open ones, and closed ones of its key.

    Those of its `related_keys` are among them, too. Incidents that are new have the id 0.
    """
    alert, at = arrival.alert, arrival.at
    own: list[Incident] = []
    siblings: list[Incident] = []
    related: list[Incident] = []
    closed_matches: list[tuple[Millis, int, Incident]] = []
    for incident in incidents:
        if _identifies(alert, incident):
            own.append(incident)
            late_before = incident.late_before
            if late_before is not None and (
                at < late_before or (at == late_before and (alert.dated_once or alert.state is State.OK))
            ):
                closed_matches.append((late_before, incident.id, incident))
        elif incident.key in alert.related_keys:
            related.append(incident)
        elif incident.open:
            siblings.append(incident)
    if closed_match := min(closed_matches)[2] if closed_matches else _find_lone_recovery(arrival, related):
        return _join_late(arrival, closed_match)
    open_own = next((incident for incident in own if incident.open), None)
    match alert.state:
        case State.OK:
            return _recover(arrival, own, siblings or _single_open(related))
        case State.INSUFFICIENT_DATA:
            return _mark_no_data(arrival, open_own or next(iter(siblings), None))
        case _:
            return _fire(arrival, open_own, siblings)


def _identifies(alert: Alert, incident: Incident) -> bool:
    """Whether the alert names this incident; one with no key of its own names any of its subject."""
    return incident.key == alert.key or (alert.key == alert.subject == incident.subject)


def _find_lone_recovery(arrival: Arrival, related: Sequence[Incident]) -> Incident | None:
    """Return the first end without a beginning that is akin to an ALERT and came after it."""
    ends = [one for one in related if not one.start_known and one.ok_at is not None and one.ok_at >= arrival.at]
    return min(ends, key=lambda one: one.ok_at or 0) if ends and arrival.alert.state is State.ALERT else None


def _single_open(related: Sequence[Incident]) -> list[Incident]:
    """Return the open incident that an OK ends though it is only akin; none where it could mean several."""
    found = [incident for incident in related if incident.open]
    return found if len(found) == 1 else []


def _open_incident(arrival: Arrival) -> Incident:
    alert, at = arrival.alert, arrival.at
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
        last_received_at=arrival.received_at,
        expires_at=_expiry(alert, arrival.received_at),
        last_alert_id=arrival.alert_id,
    )


def _expiry(alert: Alert, received_at: Millis) -> Millis | None:
    """Return when an incident closes by itself unless something joins it; None: it waits for its OK."""
    if alert.kind == UNRECOGNISED:
        return received_at + UNRECOGNISED_SPAN
    return received_at + _ONE_OFF_SPANS[alert.level] if alert.one_off else None


def _later_expiry(alert: Alert, incident: Incident, received_at: Millis, *, is_latest: bool) -> Millis | None:
    """Return the expiry of an open incident that the alert joins; the latest one decides whether there is any."""
    expires_at = _expiry(alert, received_at)
    if expires_at is None:
        return None if is_latest else incident.expires_at
    return max(expires_at, incident.expires_at or 0)


def _join(arrival: Arrival, incident: Incident, *, is_latest: bool, **changes: Any) -> Incident:
    """Count the alert in; where it `is_latest` it stands for the incident from now on."""
    received_at = max(incident.last_received_at, arrival.received_at)
    if incident.open and arrival.alert.state in {State.ALERT, None} and (is_latest or incident.expires_at is not None):
        changes["expires_at"] = _later_expiry(arrival.alert, incident, received_at, is_latest=is_latest)
    if is_latest:
        changes |= {"last_at": arrival.at, "last_alert_id": arrival.alert_id}
    return incident._replace(alerts=incident.alerts + 1, last_received_at=received_at, **changes)


def _firing_changes(arrival: Arrival, incident: Incident) -> dict[str, Any]:
    """Return what an ALERT changes in the incident that it joins, whenever it happened."""
    return {
        "opened_at": min(incident.opened_at, arrival.at),
        "start_known": True,
        "worst_level": worst(incident.worst_level, arrival.alert.level),
        "fired_at": max(incident.fired_at or arrival.at, arrival.at),
    }


def _join_late(arrival: Arrival, closed_match: Incident) -> FoldResult:
    changes: dict[str, Any] = {}
    if arrival.alert.state is State.ALERT:
        changes = _firing_changes(arrival, closed_match)
    elif arrival.alert.state is State.OK:
        changes = {"ok_at": max(closed_match.ok_at or arrival.at, arrival.at)}
    return FoldResult(
        joined=_join(arrival, closed_match, is_latest=arrival.at > closed_match.last_at, **changes), change=Change.LATE
    )


def _recover(arrival: Arrival, own: list[Incident], siblings: list[Incident]) -> FoldResult:
    at = arrival.at
    firing = next((incident for incident in own if incident.open), None)
    if firing is None:
        # closed by hand or superseded before its OK came: this is that OK, and it must not close another one
        waiting = [incident for incident in own if incident.ok_at is None and incident.opened_at <= at]
        if waiting:
            closed_match = max(waiting, key=lambda incident: incident.opened_at)
            joined = _join(arrival, closed_match, is_latest=at >= closed_match.last_at, ok_at=at, level=Level.OK)
            return FoldResult(joined=joined, change=Change.LATE)
        firing = next((sibling for sibling in siblings if _precedes(sibling, arrival)), None)
    if firing is None:
        lone = _open_incident(arrival)._replace(
            level=Level.OK,
            worst_level=arrival.alert.previous_level or Level.OK,
            fired_at=None,
            start_known=False,
        )
        return FoldResult(joined=_close_incident(lone, at, Change.RECOVERED), change=Change.RECOVERED_UNKNOWN)
    if not _precedes(firing, arrival):
        return FoldResult(joined=_join(arrival, firing, is_latest=False), change=Change.COUNTED)
    joined = _join(arrival, firing, is_latest=True, level=Level.OK, no_data=False)
    return FoldResult(
        joined=_close_incident(joined, max(at, joined.opened_at), Change.RECOVERED), change=Change.RECOVERED
    )


def _precedes(incident: Incident, recovery: Arrival) -> bool:
    """Whether everything that is known of the open incident, all of it bad, lies before its end."""
    return incident.last_at < recovery.at or (recovery.alert.dated_once and incident.last_at == recovery.at)


def _mark_no_data(arrival: Arrival, firing: Incident | None) -> FoldResult:
    if firing is None:
        return FoldResult(joined=_open_incident(arrival), change=Change.OPENED)
    newer_than_alert = firing.fired_at is None or arrival.at > firing.fired_at  # an ALERT is data
    joined = _join(arrival, firing, is_latest=arrival.at > firing.last_at, no_data=firing.no_data or newer_than_alert)
    return FoldResult(joined=joined, change=Change.COUNTED if joined.no_data == firing.no_data else Change.NO_DATA)


def _fire(arrival: Arrival, firing: Incident | None, siblings: list[Incident]) -> FoldResult:
    at = arrival.at
    if firing is None:
        opened = _open_incident(arrival)
        newer = [sibling.opened_at for sibling in siblings if sibling.opened_at > at]
        if newer:  # an older run whose OK was lost; the one that is open came after it
            return FoldResult(joined=_close_incident(opened, min(newer), Change.SUPERSEDED), change=Change.LATE)
        superseded = tuple(
            _close_incident(sibling, max(at, sibling.opened_at), Change.SUPERSEDED) for sibling in siblings
        )
        return FoldResult(joined=opened, change=Change.OPENED, superseded=superseded)
    changes = _firing_changes(arrival, firing)
    newest = at >= firing.last_at
    if changes["fired_at"] == at:  # the latest ALERT tells the level, though data was lost since; of two, the worse one
        tied = [firing.level] if firing.fired_at == at else []
        changes["level"] = worst(arrival.alert.level, *tied)
    if newest:
        changes["no_data"] = False
    joined = _join(arrival, firing, is_latest=newest, **changes)
    return FoldResult(joined=joined, change=Change.COUNTED if joined.level is firing.level else Change.LEVEL)


def _close_incident(incident: Incident, at: Millis, by: Change) -> Incident:
    return incident._replace(
        closed_at=at, closed_by=by, ok_at=at if by is Change.RECOVERED else incident.ok_at, expires_at=None
    )


def resolve(incident: Incident, *, now: Millis) -> Incident:
    """Mark an open incident recovered by hand."""
    return _close_incident(incident, max(now, incident.opened_at), Change.RESOLVED)


def expire(incident: Incident) -> Incident:
    """Close an open incident whose own time is over."""
    return _close_incident(incident, incident.expires_at or incident.last_received_at, Change.EXPIRED)
