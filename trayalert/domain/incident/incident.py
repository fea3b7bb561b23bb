"""An incident is the run of alerts of one rule on one resource. This module folds alerts into incidents.

`fold` is pure. The storage passes in the known incidents, and stores the returned incidents together with the alert in
one transaction. Alerts are ordered by event time, so the order in which they arrive does not matter. An alert without a
readable event time is ordered by its time of arrival.

If an ALERT and an OK have the same time, the ALERT wins, so that no incident recovers by accident. But if the alerts
are `dated_once`, the OK wins.
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
"""How long the incident of unrecognised callbacks stays open after the last unrecognised callback.

After this time, the incident closes by itself.
"""

_ONE_OFF_SPANS: dict[Level, Millis] = {
    Level.OK: 3_600_000,
    Level.INFO: 3_600_000,
    Level.WARN: 24 * 3_600_000,
    Level.CRITICAL: 72 * 3_600_000,
}
"""How long an incident of a one-off event stays open after its last alert, keyed by the level of that alert.

After this time, the incident closes by itself.
"""

_FUTURE_LIMIT: Millis = 10 * 366 * 24 * 3_600_000
"""How much later than the alert's arrival an event time may be. A later event time counts as unreadable.

If an OK with a later event time were accepted, all ALERTs after this OK would count as late.
"""


class Change(enum.StrEnum):
    """What happened to an incident. In most cases, an alert is the cause."""

    OPENED = "opened"
    LEVEL = "level"  # the alert changed the incident's level
    NO_DATA = "no data"  # the alert marked the incident as without data
    COUNTED = "counted"  # the alert was counted and changed nothing else
    LATE = "late"  # the alert joined an incident that has already ended
    RECOVERED = "recovered"
    RECOVERED_UNKNOWN = "recovered, start unknown"  # an OK came without an ALERT before it
    SUPERSEDED = "superseded"  # closed without its OK, because a newer incident of the same subject opened
    EXPIRED = "expired"  # closed by itself, because an OK may never come
    RESOLVED = "resolved"  # marked as recovered manually


class Incident(NamedTuple):
    """One incident. The class is a named tuple, because copying a tuple with changed fields is cheap.

    All times are event times, except `last_received_at`, `expires_at`, and the `closed_at` of an incident that was
    closed manually or by itself.
    """

    key: str
    subject: str
    opened_at: Millis
    level: Level
    worst_level: Level
    last_at: Millis
    """The event time of the incident's latest alert. The latest alert represents the incident."""
    last_received_at: Millis
    """When the most recently received alert of the incident was received."""
    start_known: bool = True
    """False if the incident consists only of an OK whose ALERT has not arrived."""
    no_data: bool = False
    """Whether the rule has reported INSUFFICIENT_DATA since the latest ALERT."""
    fired_at: Millis | None = None
    """The time of the latest ALERT, or None if the incident has no ALERT."""
    ok_at: Millis | None = None
    """The time of the latest OK, or None if no OK has ended the incident."""
    closed_at: Millis | None = None
    closed_by: Change | None = None
    """The change that closed the incident, or None while the incident is open."""
    expires_at: Millis | None = None
    """When the open incident closes by itself, or None if the incident waits for its OK or is closed."""
    alerts: int = 1
    """Number of alerts in the incident."""
    last_alert_id: int = 0
    """The id of the alert that represents the incident, which is the latest alert by event time."""
    id: int = 0
    """The id in the log, or 0 until the incident is stored."""

    @property
    def open(self) -> bool:
        """Whether the incident is firing, according to the alerts that have arrived so far."""
        return self.closed_at is None

    @property
    def late_before(self) -> Millis | None:
        """The event time before which an alert with the same key joins this closed incident as a late alert.

        None in these cases:

        - The incident is open.
        - The incident was closed manually or by itself, and its OK has not come.
        """
        if self.open:
            return None
        return self.closed_at if self.closed_by is Change.SUPERSEDED else self.ok_at


@dataclass(frozen=True, slots=True)
class FoldResult:
    """The result of folding an alert: the incident that the alert `joined`, and the incidents that it `superseded`.

    `change` says what happened to the incident that the alert joined.
    """

    joined: Incident
    change: Change
    superseded: tuple[Incident, ...] = ()


def event_time(alert: Alert, *, received_at: Millis) -> Millis:
    """Return the time of the alert, or `received_at` if this time is missing or unreadable.

    A time that is too far in the future counts as unreadable.
    """
    return received_at if alert.at is None or alert.at > received_at + _FUTURE_LIMIT else alert.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An alert of any kind except `test`, with its id in the log and the time at which it was received."""

    alert: Alert
    alert_id: int
    received_at: Millis

    @property
    def at(self) -> Millis:
        """The event time of the alert."""
        return event_time(self.alert, received_at=self.received_at)


def fold(arrival: Arrival, incidents: Sequence[Incident]) -> FoldResult:
    """Fold an alert into its incident, and return all incidents that have changed.

    The candidates are the incidents that have the alert's key, its subject or one of its `related_keys`. `incidents`
    must contain these candidates:

    - all open candidates,
    - all candidates without an OK,
    - all candidates whose OK is not earlier than the alert.

    If the alert opens a new incident, the id of the new incident is 0.
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
    """Return whether the alert's key identifies the incident.

    If the alert's key is equal to its subject, the key identifies every incident with the same subject.
    """
    return incident.key == alert.key or (alert.key == alert.subject == incident.subject)


def _find_lone_recovery(arrival: Arrival, related: Sequence[Incident]) -> Incident | None:
    """Return the related incident that consists only of the OK for this late ALERT, or None.

    The OK must not be earlier than the ALERT. If there are several such incidents, return the incident with the
    earliest OK. If the state of the alert is not ALERT, return None.
    """
    ends = [one for one in related if not one.start_known and one.ok_at is not None and one.ok_at >= arrival.at]
    return min(ends, key=lambda one: one.ok_at or 0) if ends and arrival.alert.state is State.ALERT else None


def _single_open(related: Sequence[Incident]) -> list[Incident]:
    """Return a list with the open incident if exactly one incident is open, else an empty list.

    An OK with a related key ends an incident only if there is no doubt which incident is meant.
    """
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
    """Return when the alert's incident closes by itself if no other alert joins the incident.

    Return None if the incident waits for its OK.
    """
    if alert.kind == UNRECOGNISED:
        return received_at + UNRECOGNISED_SPAN
    return received_at + _ONE_OFF_SPANS[alert.level] if alert.one_off else None


def _later_expiry(alert: Alert, incident: Incident, received_at: Millis, *, is_latest: bool) -> Millis | None:
    """Return the new `expires_at` of an open incident that the alert joins.

    The result is None if the incident then waits for its OK. If the incident did not wait for its OK before, only its
    latest alert can make the incident wait.
    """
    expires_at = _expiry(alert, received_at)
    if expires_at is None:
        return None if is_latest else incident.expires_at
    return max(expires_at, incident.expires_at or 0)


def _join(arrival: Arrival, incident: Incident, *, is_latest: bool, **changes: Any) -> Incident:
    """Return the incident with the alert added and the fields in `changes` replaced.

    If `is_latest` is true, the alert represents the incident from now on.
    """
    received_at = max(incident.last_received_at, arrival.received_at)
    if incident.open and arrival.alert.state in {State.ALERT, None} and (is_latest or incident.expires_at is not None):
        changes["expires_at"] = _later_expiry(arrival.alert, incident, received_at, is_latest=is_latest)
    if is_latest:
        changes |= {"last_at": arrival.at, "last_alert_id": arrival.alert_id}
    return incident._replace(alerts=incident.alerts + 1, last_received_at=received_at, **changes)


def _firing_changes(arrival: Arrival, incident: Incident) -> dict[str, Any]:
    """Return the new values of the fields that an ALERT changes in the incident that it joins.

    A late ALERT changes the same fields.
    """
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
        # an incident may have been closed manually, superseded or expired before its OK came; this OK then belongs to
        # that incident and must not close another one
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
    """Return whether all alerts of the open incident are earlier than the recovery by event time."""
    return incident.last_at < recovery.at or (recovery.alert.dated_once and incident.last_at == recovery.at)


def _mark_no_data(arrival: Arrival, firing: Incident | None) -> FoldResult:
    if firing is None:
        return FoldResult(_open_incident(arrival), Change.OPENED)
    newer_than_alert = firing.fired_at is None or arrival.at > firing.fired_at  # an ALERT proves that there was data
    joined = _join(arrival, firing, is_latest=arrival.at > firing.last_at, no_data=firing.no_data or newer_than_alert)
    return FoldResult(joined, Change.COUNTED if joined.no_data == firing.no_data else Change.NO_DATA)


def _fire(arrival: Arrival, firing: Incident | None, siblings: list[Incident]) -> FoldResult:
    at = arrival.at
    if firing is None:
        opened = _open_incident(arrival)
        newer = [sibling.opened_at for sibling in siblings if sibling.opened_at > at]
        if newer:  # the ALERT belongs to an earlier incident, whose OK was lost
            return FoldResult(_close_incident(opened, min(newer), Change.SUPERSEDED), Change.LATE)
        superseded = tuple(
            _close_incident(sibling, max(at, sibling.opened_at), Change.SUPERSEDED) for sibling in siblings
        )
        return FoldResult(opened, Change.OPENED, superseded=superseded)
    changes = _firing_changes(arrival, firing)
    newest = at >= firing.last_at
    if changes["fired_at"] == at:  # the latest ALERT sets the level, even if a later alert reported no data
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
    """Return a copy of the open incident that is closed at `now`, because the user has marked it as recovered."""
    return _close_incident(incident, max(now, incident.opened_at), Change.RESOLVED)


def expire(incident: Incident) -> Incident:
    """Return a copy of the open incident that is closed at the time at which the incident expired."""
    return _close_incident(incident, incident.expires_at or incident.last_received_at, Change.EXPIRED)
