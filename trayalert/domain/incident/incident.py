"""An incident is the run of alerts of one rule on one resource. Here an alert is folded into incidents.

`fold` is pure: the storage gives it what is known, and writes what it returns in the alert's own transaction.
Arrival order does not matter: alerts are ordered by event time (by arrival if that is unreadable). At equal times ALERT
wins over OK, so that nothing turns green by accident, unless the alert is `dated_once`.
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
"""So does an incident of a one-off event, by level."""

_FUTURE_LIMIT: Millis = 10 * 366 * 24 * 3_600_000
"""A later time counts as unreadable: an OK of that time would make every ALERT before it late."""


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
    """One incident. Moments are event times, except `last_received_at` and `expires_at`. `id` is 0 until stored.

    `fired_at` is the latest ALERT's moment, `ok_at` the latest OK's (None while open), `last_at` that of the alert that
    represents the incident (`last_alert_id`). `closed_by` is the Change that closed it. A tuple is cheap to replace.
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
        """Whether the incident is firing, as far as is known."""
        return self.closed_at is None

    @property
    def late_before(self) -> Millis | None:
        """The moment before which an alert of the same key is a late one of this incident."""
        if self.open:
            return None
        return self.closed_at if self.closed_by is Change.SUPERSEDED else self.ok_at


@dataclass(frozen=True, slots=True)
class FoldResult:
    """The incident that the alert joined, and others that it closed."""

    joined: Incident
    change: Change
    superseded: tuple[Incident, ...] = ()


def event_time(alert: Alert, *, received_at: Millis) -> Millis:
    """Return when the alert happened, or when it came if that cannot be read."""
    return received_at if alert.at is None or alert.at > received_at + _FUTURE_LIMIT else alert.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An alert (not of kind `test`), its id in the log, and when it came."""

    alert: Alert
    alert_id: int
    received_at: Millis

    @property
    def at(self) -> Millis:
        """The event time."""
        return event_time(self.alert, received_at=self.received_at)


def fold(arrival: Arrival, incidents: Sequence[Incident]) -> FoldResult:
    """Fold an alert into `incidents`: all of its key and `related_keys`, and the open ones of its subject.

    A new incident has the id 0.
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
    """Whether the alert names this incident; without a key of its own it names any of its subject."""
    return incident.key == alert.key or (alert.key == alert.subject == incident.subject)


def _find_lone_recovery(arrival: Arrival, related: Sequence[Incident]) -> Incident | None:
    """Return the first incident that has only an OK, is related to an ALERT and ended after it."""
    ends = [one for one in related if not one.start_known and one.ok_at is not None and one.ok_at >= arrival.at]
    return min(ends, key=lambda one: one.ok_at or 0) if ends and arrival.alert.state is State.ALERT else None


def _single_open(related: Sequence[Incident]) -> list[Incident]:
    """Return the open incident that a related OK ends; none if there are several."""
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
    """Return when an incident closes by itself unless another alert joins it; None if it waits for its OK."""
    if alert.kind == UNRECOGNISED:
        return received_at + UNRECOGNISED_SPAN
    return received_at + _ONE_OFF_SPANS[alert.level] if alert.one_off else None


def _later_expiry(alert: Alert, incident: Incident, received_at: Millis, *, is_latest: bool) -> Millis | None:
    """Return the expiry of an open incident that the alert joins; the latest alert decides whether it has one."""
    expires_at = _expiry(alert, received_at)
    if expires_at is None:
        return None if is_latest else incident.expires_at
    return max(expires_at, incident.expires_at or 0)


def _join(arrival: Arrival, incident: Incident, *, is_latest: bool, **changes: Any) -> Incident:
    """Add the alert to the incident; if it `is_latest` it represents the incident from now on."""
    received_at = max(incident.last_received_at, arrival.received_at)
    if incident.open and arrival.alert.state in {State.ALERT, None} and (is_latest or incident.expires_at is not None):
        changes["expires_at"] = _later_expiry(arrival.alert, incident, received_at, is_latest=is_latest)
    if is_latest:
        changes |= {"last_at": arrival.at, "last_alert_id": arrival.alert_id}
    return incident._replace(alerts=incident.alerts + 1, last_received_at=received_at, **changes)


def _firing_changes(arrival: Arrival, incident: Incident) -> dict[str, Any]:
    """Return what an ALERT changes in the incident that it joins, late or not."""
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
    return FoldResult(_join(arrival, closed_match, is_latest=arrival.at > closed_match.last_at, **changes), Change.LATE)


def _recover(arrival: Arrival, own: list[Incident], siblings: list[Incident]) -> FoldResult:
    at = arrival.at
    firing = next((incident for incident in own if incident.open), None)
    if firing is None:
        # closed by hand or superseded before its OK came: this is that OK, and it must not close another one
        waiting = [incident for incident in own if incident.ok_at is None and incident.opened_at <= at]
        if waiting:
            closed_match = max(waiting, key=lambda incident: incident.opened_at)
            joined = _join(arrival, closed_match, is_latest=at >= closed_match.last_at, ok_at=at, level=Level.OK)
            return FoldResult(joined, Change.LATE)
        firing = next((sibling for sibling in siblings if _precedes(sibling, arrival)), None)
    if firing is None:
        lone = _open_incident(arrival)._replace(
            level=Level.OK,
            worst_level=arrival.alert.previous_level or Level.OK,
            fired_at=None,
            start_known=False,
        )
        return FoldResult(_close_incident(lone, at, Change.RECOVERED), Change.RECOVERED_UNKNOWN)
    if not _precedes(firing, arrival):
        return FoldResult(_join(arrival, firing, is_latest=False), Change.COUNTED)
    joined = _join(arrival, firing, is_latest=True, level=Level.OK, no_data=False)
    return FoldResult(_close_incident(joined, max(at, joined.opened_at), Change.RECOVERED), Change.RECOVERED)


def _precedes(incident: Incident, recovery: Arrival) -> bool:
    """Whether every alert of the open incident lies before the recovery."""
    return incident.last_at < recovery.at or (recovery.alert.dated_once and incident.last_at == recovery.at)


def _mark_no_data(arrival: Arrival, firing: Incident | None) -> FoldResult:
    if firing is None:
        return FoldResult(_open_incident(arrival), Change.OPENED)
    newer_than_alert = firing.fired_at is None or arrival.at > firing.fired_at  # an ALERT is data
    joined = _join(arrival, firing, is_latest=arrival.at > firing.last_at, no_data=firing.no_data or newer_than_alert)
    return FoldResult(joined, Change.COUNTED if joined.no_data == firing.no_data else Change.NO_DATA)


def _fire(arrival: Arrival, firing: Incident | None, siblings: list[Incident]) -> FoldResult:
    at = arrival.at
    if firing is None:
        opened = _open_incident(arrival)
        newer = [sibling.opened_at for sibling in siblings if sibling.opened_at > at]
        if newer:  # an older run whose OK was lost; the one that is open came after it
            return FoldResult(_close_incident(opened, min(newer), Change.SUPERSEDED), Change.LATE)
        superseded = tuple(
            _close_incident(sibling, max(at, sibling.opened_at), Change.SUPERSEDED) for sibling in siblings
        )
        return FoldResult(opened, Change.OPENED, superseded=superseded)
    changes = _firing_changes(arrival, firing)
    newest = at >= firing.last_at
    if changes["fired_at"] == at:  # the latest ALERT sets the level, though data was lost since
        tied = [firing.level] if firing.fired_at == at else []
        changes["level"] = worst(arrival.alert.level, *tied)
    if newest:
        changes["no_data"] = False
    joined = _join(arrival, firing, is_latest=newest, **changes)
    return FoldResult(joined, Change.COUNTED if joined.level is firing.level else Change.LEVEL)


def _close_incident(incident: Incident, at: Millis, by: Change) -> Incident:
    return incident._replace(
        closed_at=at, closed_by=by, ok_at=at if by is Change.RECOVERED else incident.ok_at, expires_at=None
    )


def resolve(incident: Incident, *, now: Millis) -> Incident:
    """Mark an open incident recovered by hand."""
    return _close_incident(incident, max(now, incident.opened_at), Change.RESOLVED)


def expire(incident: Incident) -> Incident:
    """Close an open incident that has expired."""
    return _close_incident(incident, incident.expires_at or incident.last_received_at, Change.EXPIRED)
