"""Appends callbacks to the log in groups: counts repeats, folds new alerts into incidents, and writes all rows.

A repeat is a further delivery of an alert that is already stored. Most repeats are retries. Alertmanager also repeats
an alert for as long as the alert fires.

Each SQL statement releases and reacquires the GIL, which the listener's thread needs as well. Therefore a group is
written with few statements, each of which writes many rows.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, NamedTuple

from trayalert.domain.callback import INTERNAL_METHOD, Callback
from trayalert.domain.events import CallbackArrived, Event, IncidentChanged, TestReceived
from trayalert.domain.incident.alert import SAME_TEXT_SPAN, TEST, Alert, Identity, State
from trayalert.domain.incident.incident import Arrival, Change, Incident, event_time, expire, fold
from trayalert.domain.times import Millis
from trayalert.storage.rows import (
    ALERT_DIGESTED,
    DELIVERY_DIGESTED,
    INCIDENT_ROW,
    NEW_ALERT_ROW,
    TABLES,
    UPDATE_ALERT,
    alert_row,
    digest_of,
    incident_row,
    message_in,
    read_incident,
    renewed_row,
)

_DELIVERY_ROW = ("alert_id", "digest", *DELIVERY_DIGESTED)
_MUTABLE = [name for name in INCIDENT_ROW if name not in {"id", "key", "subject"}]
_INDEXED = ("opened_at", "ok_at", "closed_at")
_UNINDEXED = [name for name in _MUTABLE if name not in _INDEXED]
"""The mutable columns of an incident that are in no index.

Most alerts change only these columns, so most updates do not have to write to an index.
"""
_BATCH_SIZES = (64, *range(16, 0, -1))
"""Numbers of rows that one statement may write, largest first.

Each size needs a prepared statement of its own. With few sizes, `sqlite3` keeps all these statements in its cache.
"""

_BY_NAME = "IN (SELECT value FROM json_each(:names)) AND (ok_at IS NULL OR ok_at >= :earliest)"
_SELECT_KNOWN = f"""
    SELECT
        {", ".join(f"max(coalesce((SELECT max(id) FROM {table}), 0), n.{table})" for table in TABLES)},
        (SELECT json_group_array(json_array(a.identity, a.id, a.received_at, a.last_delivery_id,
                coalesce(d.received_at, a.received_at), a.value_text, a.unit, a.more))
            FROM (SELECT identity, max(id) AS id, received_at, last_delivery_id, value_text, unit, more FROM alert
                WHERE identity IN (SELECT value FROM json_each(:identities)) GROUP BY identity) AS a
            LEFT JOIN delivery AS d ON d.id = a.last_delivery_id),
        (SELECT json_group_array(json_array({", ".join(Incident._fields)})) FROM incident WHERE id IN (
            SELECT id FROM incident WHERE subject {_BY_NAME} UNION SELECT id FROM incident WHERE key {_BY_NAME}))
    FROM numbering AS n
"""
"""Selects everything that must be known before a group is written.

Fetching a row releases the GIL, so the result is a single row. The row contains:

- the highest ids of deliveries, alerts and incidents that were used so far
- the stored alerts that have the identity of an alert in the group
- the stored incidents whose key or subject is a key, related key or subject of an alert in the group

If an incident has an OK that is earlier than the earliest alert in the group, the incident is left out. An incident
without an OK is always included, whether it is open or closed.
"""

_COUNT_REPEAT = "UPDATE alert SET deliveries = deliveries + ?, last_delivery_id = ? WHERE id = ?"
_COUNT_USE = """
    INSERT INTO secret_use (name, deliveries, last_at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET deliveries = deliveries + excluded.deliveries, last_at = max(last_at, excluded.last_at)
"""

CallbackParser = Callable[[Callback], tuple[Alert, ...]]
"""A function that returns the alerts in a callback, always at least one."""

_delivery_values: Callable[[Callback], tuple[Any, ...]] = attrgetter(*DELIVERY_DIGESTED[1:])
_latest_values: Callable[[Alert], tuple[str | None, ...]] = attrgetter("value_text", "unit", "message")
"""Returns those of an alert's values that may differ in a repeat of the alert."""


class _KnownAlert(NamedTuple):
    """A stored alert, with data about its first and its latest delivery.

    `received_at` is the time at which the first delivery arrived. `last_delivery_id`, `last_received_at` and
    `latest_values` describe the delivery that arrived last. `latest_values` contains value, unit and message, in this
    order.
    """

    id: int
    received_at: Millis
    last_delivery_id: int
    last_received_at: Millis
    latest_values: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Append:
    """A job that stores a callback, with the alerts that were read from it.

    If `quiet` is set, the job returns no events. If `delivery_id` is set, the callback is already stored as the
    delivery with this id. The job then only adds `alerts`, which are further alerts in the callback. If the log does
    not contain this delivery, the callback is stored as a new delivery: another file may have taken the log's place.
    """

    callback: Callback
    alerts: tuple[Alert, ...]
    quiet: bool = False
    delivery_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reparsed:
    """A stored callback that was parsed again.

    `alerts` replace the stored alert whose id is `alert_id`. Each of the new alerts takes over `deliveries`, the
    replaced alert's number of deliveries.
    """

    callback: Callback
    alerts: tuple[Alert, ...]
    delivery_id: int
    alert_id: int
    deliveries: int


def append_reparsed(connection: sqlite3.Connection, jobs: Sequence[Reparsed]) -> None:
    """Inside the current transaction, replace stored alerts with newly parsed alerts.

    The caller must already have removed the replaced alerts from their incidents.
    """
    _AppendGroup(connection, jobs).replace_alerts(jobs)


def append_all(connection: sqlite3.Connection, jobs: Sequence[Append]) -> list[tuple[Event, ...]]:
    """Inside the current transaction, run all jobs. Return the events of each job, in the order of `jobs`."""
    return _AppendGroup(connection, jobs).write(jobs)


class _AppendGroup:
    """Writes one group of jobs.

    The constructor reads the stored alerts and incidents that the jobs may change.
    """

    def __init__(self, connection: sqlite3.Connection, jobs: Sequence[Append | Reparsed]) -> None:
        self._connection = connection
        self._incidents: dict[int, Incident] = {}
        self._by_name: dict[str, dict[int, None]] = {}
        self._changed: set[int] = set()
        self._repeats: dict[int, tuple[int, Millis]] = {}
        self._renewed: dict[int, Alert] = {}
        self._deliveries: list[Sequence[Any]] = []
        self._alerts: list[Sequence[Any]] = []
        self._secrets: dict[str, tuple[int, Millis]] = {}
        self._reused: set[int] = set()
        self._events: list[Event] = []
        alerts = [(alert, job.callback.received_at) for job in jobs for alert in job.alerts]
        known = {
            "identities": json.dumps([alert.identity.text for alert, _ in alerts if alert.identity.text]),
            "names": json.dumps(list({name for alert, _ in alerts for name in _names(alert) if name})),
            "earliest": min((event_time(alert, received_at=came) for alert, came in alerts), default=0),
        }
        ((delivery_id, alert_id, incident_id, seen, incidents),) = connection.execute(_SELECT_KNOWN, known)
        self._delivery_id: int = delivery_id
        self._alert_id: int = alert_id
        self._incident_id: int = incident_id
        self._known_alerts: dict[str, _KnownAlert] = {
            identity: _KnownAlert(
                number, received_at, last_delivery_id, last_received_at, (value, unit, message_in(more))
            )
            for identity, number, received_at, last_delivery_id, last_received_at, value, unit, more in json.loads(seen)
        }
        for incident in sorted(map(read_incident, json.loads(incidents)), key=attrgetter("id")):
            self._set_incident(incident)
        self._stored_incidents = dict(self._incidents)

    def write(self, jobs: Sequence[Append]) -> list[tuple[Event, ...]]:
        """Fold the alerts of all callbacks, then write all rows. Return the events of each job."""
        events = [self._append(job) for job in jobs]
        self._insert("delivery", _DELIVERY_ROW, self._deliveries)
        self._write_alerts()
        if self._secrets:
            self._connection.executemany(_COUNT_USE, [(name, *used) for name, used in self._secrets.items()])
        return events

    def replace_alerts(self, jobs: Sequence[Reparsed]) -> None:
        """Fold the alerts of the reparsed callbacks into incidents, then write all rows.

        The first new alert of each callback takes the id of the replaced alert. If the first alert of a callback was
        already stored from another delivery, the callback becomes a delivery of the stored alert.
        """
        moved = []
        replaced = {job.alert_id for job in jobs}
        self._known_alerts = {
            identity: seen for identity, seen in self._known_alerts.items() if seen.id not in replaced
        }
        for job in jobs:
            number = self._append_alerts(job, job.delivery_id)
            # the same alert was read from another delivery before: the callback becomes a delivery of that alert
            if number != job.alert_id:
                moved.append((number, job.delivery_id, job.alert_id))
        self._connection.executemany("DELETE FROM alert WHERE id = ?", [(job.alert_id,) for job in jobs])
        self._connection.executemany("UPDATE delivery SET alert_id = ? WHERE id >= ? AND alert_id = ?", moved)
        self._write_alerts()

    def _write_alerts(self) -> None:
        self._insert("alert", NEW_ALERT_ROW, self._alerts)
        self._write_incidents()
        self._connection.executemany(_COUNT_REPEAT, [(*repeat, number) for number, repeat in self._repeats.items()])
        for number, alert in self._renewed.items():
            self._renew(number, alert)

    def _write_incidents(self) -> None:
        new, indexed, unindexed = [], [], []
        for number in sorted(self._changed):
            incident, before = self._incidents[number], self._stored_incidents.get(number)
            if before is None:
                new.append(incident_row(incident))
            elif all(getattr(incident, name) == getattr(before, name) for name in _INDEXED):
                unindexed.append(incident_row(incident))
            else:
                indexed.append(incident_row(incident))
        self._insert("incident", INCIDENT_ROW, new)
        self._update(_MUTABLE, indexed)
        self._update(_UNINDEXED, unindexed)

    def _append(self, job: Append) -> tuple[Event, ...]:
        self._events = []
        if job.delivery_id is not None and self._is_stored(job.callback, job.delivery_id):
            self._append_alerts(job, job.delivery_id)
        else:
            self._append_callback(job)
        return () if job.quiet else tuple(self._events)

    def _is_stored(self, callback: Callback, delivery_id: int) -> bool:
        """Return whether the log contains this callback under the given id."""
        digest = digest_of("delivery", (delivery_id, *_delivery_values(callback)))
        sql = "SELECT 1 FROM delivery WHERE id = ? AND digest = ?"
        return self._connection.execute(sql, (delivery_id, digest)).fetchone() is not None

    def _append_callback(self, job: Append) -> None:
        callback = job.callback
        self._delivery_id += 1
        if callback.method != INTERNAL_METHOD:
            self._events.append(CallbackArrived(callback.received_at, self._delivery_id))
        number = self._append_alerts(job, self._delivery_id)
        if number is None:
            raise ValueError("a callback was read into no alert")
        values = (self._delivery_id, *_delivery_values(callback))
        self._deliveries.append((number, digest_of("delivery", values), *values))
        if callback.secret:
            count, last_at = self._secrets.get(callback.secret, (0, 0))
            self._secrets[callback.secret] = count + 1, max(last_at, callback.received_at)

    def _append_alerts(self, job: Append | Reparsed, delivery_id: int) -> int | None:
        """Add the new alerts of a callback, and count the alerts that are repeats.

        An alert whose `only_closes` is True is skipped if there is nothing that it could close. Return the id of the
        first alert that is not skipped, or None if all alerts are skipped.
        """
        numbers = [
            self._append_alert(alert, job, delivery_id)
            for alert in job.alerts
            if not alert.only_closes or self._closes(alert, job.callback.received_at)
        ]
        return numbers[0] if numbers else None

    def _closes(self, alert: Alert, received_at: Millis) -> bool:
        """Return whether an alert whose `only_closes` is True has something to close.

        Return True in two cases:

        - An incident with the alert's key is open.
        - The alert is a retry of a stored alert, which has already closed an incident.
        """
        incidents = (self._incidents[number] for number in self._by_name.get(alert.key, ()))
        still_open = (one.open and (one.expires_at is None or one.expires_at > received_at) for one in incidents)
        return any(still_open) or self._find_repeated(alert.identity, received_at) is not None

    def _append_alert(self, alert: Alert, job: Append | Reparsed, delivery_id: int) -> int:
        """Add the alert if it is new, or count it as a repeat of a stored alert. Return the alert's id."""
        received_at = job.callback.received_at
        deliveries = job.deliveries if isinstance(job, Reparsed) else 1
        known = self._find_repeated(alert.identity, received_at)
        if refired := self._refire(alert, received_at):
            alert, known = refired, None
        if known is None:
            return self._add_alert(alert, job, delivery_id, deliveries)
        self._repeat(alert, known, received_at, delivery_id=delivery_id, deliveries=deliveries)
        return known.id

    def _add_alert(self, alert: Alert, job: Append | Reparsed, delivery_id: int, deliveries: int) -> int:
        """Fold a new alert into its incident and add the alert's row. Return the alert's id."""
        received_at = job.callback.received_at
        number = self._next_alert_id(job)
        if alert.identity.text:
            self._known_alerts[alert.identity.text] = _KnownAlert(
                number, received_at, delivery_id, received_at, _latest_values(alert)
            )
        incident_id, change = None, None
        if alert.kind == TEST:
            self._events.append(TestReceived(received_at))
        else:
            incident_id, change = self._fold(alert, number, received_at)
        row = alert_row(
            alert,
            alert_id=number,
            delivery_id=delivery_id,
            received_at=received_at,
            incident_id=incident_id,
            late=change is Change.LATE,
            deliveries=deliveries,
        )
        self._alerts.append(row)
        return number

    def _next_alert_id(self, job: Append | Reparsed) -> int:
        """Return the id for a new alert.

        The first new alert of a reparsed callback takes the id of the replaced alert. Every other new alert gets the
        next unused id.
        """
        if isinstance(job, Reparsed) and job.alert_id not in self._reused:
            self._reused.add(job.alert_id)
            return job.alert_id
        self._alert_id += 1
        return self._alert_id

    def _repeat(
        self, alert: Alert, known: _KnownAlert, received_at: Millis, *, delivery_id: int, deliveries: int
    ) -> None:
        """Add `deliveries` to the number of deliveries of a known alert.

        The alert's row takes the value, unit and message of the delivery that was received last.
        """
        last, renewed = known, False
        if received_at >= known.last_received_at:
            last = known._replace(
                last_delivery_id=delivery_id, last_received_at=received_at, latest_values=_latest_values(alert)
            )
            self._known_alerts[alert.identity.text] = last
            renewed = last.latest_values != known.latest_values
            if renewed:
                self._renewed[known.id] = alert
        count, _ = self._repeats.get(known.id, (0, 0))
        self._repeats[known.id] = count + deliveries, last.last_delivery_id
        if alert.state is State.ALERT and (renewed or received_at - known.received_at > SAME_TEXT_SPAN):
            self._confirm(alert, received_at)

    def _renew(self, number: int, alert: Alert) -> None:
        """Write the value, unit and message of a repeat into the row of the alert whose id is `number`."""
        columns = ", ".join(ALERT_DIGESTED)
        row = self._connection.execute(f"SELECT {columns} FROM alert WHERE id = ?", (number,)).fetchone()
        self._connection.execute(UPDATE_ALERT, (*renewed_row(row, alert), number))

    def _confirm(self, alert: Alert, received_at: Millis) -> None:
        """Record `received_at` as the latest arrival in each open incident that has the alert's key.

        Called only for these repeats of an ALERT, which are not retries:

        - a repeat with a new value, unit or message
        - a repeat that comes more than SAME_TEXT_SPAN after the first delivery

        Alertmanager repeats an alert for as long as the alert fires.
        """
        for number in self._by_name.get(alert.key, ()):
            incident = self._incidents[number]
            if incident.open and incident.last_received_at < received_at:
                self._set_incident(incident._replace(last_received_at=received_at), changed=True)
                self._events.append(IncidentChanged(number, Change.COUNTED))

    def _refire(self, alert: Alert, received_at: Millis) -> Alert | None:
        """Return the alert with a time after the latest OK, or None if this is no resumed alert.

        If Prometheus loses contact with Alertmanager for a while, Alertmanager first sends an OK. Later, Alertmanager
        sends the alert again with its original time. Such an alert is a resumed alert: its identity is known, its
        incidents have closed, and SAME_TEXT_SPAN has passed.
        """
        incidents = [self._incidents[number] for number in self._by_name.get(alert.key, ())] if alert.resent else []
        latest = max((incident.last_received_at for incident in incidents), default=received_at)
        known = self._known_alerts.get(alert.identity.text)
        first = known.received_at if known else latest
        if (
            received_at - first <= SAME_TEXT_SPAN
            or received_at <= latest
            or any(incident.open for incident in incidents)
        ):
            return None
        last_ok_at = max(incident.ok_at or 0 for incident in incidents)
        return alert if alert.at is None or alert.at > last_ok_at else replace(alert, at=last_ok_at + 1)

    def _find_repeated(self, identity: Identity, received_at: Millis) -> _KnownAlert | None:
        """Return the stored alert with the given identity, or None if the alert is new.

        An identity that contains no time matches only within SAME_TEXT_SPAN of the first delivery.
        """
        known = self._known_alerts.get(identity.text)
        if known is None or not (identity.timed or abs(received_at - known.received_at) <= SAME_TEXT_SPAN):
            return None
        return known

    def _fold(self, alert: Alert, number: int, received_at: Millis) -> tuple[int, Change]:
        numbers = {number: None for name in _names(alert) for number in self._by_name.get(name, ())}
        self._expire(numbers, received_at)
        arrival = Arrival(alert=alert, alert_id=number, received_at=received_at)
        folded = fold(arrival, [self._incidents[number] for number in numbers])
        joined = folded.joined
        if not joined.id:
            self._incident_id += 1
            joined = joined._replace(id=self._incident_id)
        for incident in folded.superseded:
            self._set_incident(incident, changed=True)
            self._events.append(IncidentChanged(incident.id, Change.SUPERSEDED))
        self._set_incident(joined, changed=True)
        self._events.append(IncidentChanged(joined.id, folded.change))
        return joined.id, folded.change

    def _expire(self, numbers: Iterable[int], now: Millis) -> None:
        """Close the incidents that expire at or before `now`. `numbers` are the ids of the incidents to check.

        There are two reasons why an incident may still be open after its expiry: the program was not running at that
        time, or old callbacks are being parsed again.
        """
        for number in numbers:
            incident = self._incidents[number]
            if incident.expires_at is not None and incident.expires_at <= now:
                self._set_incident(expire(incident), changed=True)
                self._events.append(IncidentChanged(number, Change.EXPIRED))

    def _set_incident(self, incident: Incident, *, changed: bool = False) -> None:
        self._incidents[incident.id] = incident
        self._by_name.setdefault(incident.subject, {})[incident.id] = None
        self._by_name.setdefault(incident.key, {})[incident.id] = None
        if changed:
            self._changed.add(incident.id)

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        for marks, values in _batches(rows, len(columns)):
            self._connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {marks}", values)

    def _update(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Update the given columns of incidents. Each row in `rows` contains all columns of INCIDENT_ROW."""
        settings = ", ".join(f"{name} = v.column{INCIDENT_ROW.index(name) + 1}" for name in columns)
        number = INCIDENT_ROW.index("id") + 1
        for marks, values in _batches(rows, len(INCIDENT_ROW)):
            sql = f"UPDATE incident SET {settings} FROM (VALUES {marks}) AS v WHERE incident.id = v.column{number}"
            self._connection.execute(sql, values)


def _names(alert: Alert) -> tuple[str, ...]:
    return (alert.subject, alert.key, *alert.related_keys)


def _batches(rows: Sequence[Sequence[Any]], columns: int) -> Iterator[tuple[str, list[Any]]]:
    """Split rows into batches of the sizes in _BATCH_SIZES.

    For each batch, yield the placeholders for a VALUES clause and a flat list of the values. `columns` is the number of
    values in a row.
    """
    row_marks = f"({', '.join('?' * columns)})"
    start = 0
    while start < len(rows):
        width = next(width for width in _BATCH_SIZES if width <= len(rows) - start)
        yield ", ".join([row_marks] * width), [value for row in rows[start : start + width] for value in row]
        start += width
