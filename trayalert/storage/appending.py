"""A group of callbacks goes into the log: retries are counted, alerts folded into incidents, all rows written at once.

Few, wide statements: each one hands the interpreter's lock over and back, and the listener needs it too.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from trayalert.domain.alert import SAME_TEXT_SPAN, Alert, Identity, Kind
from trayalert.domain.callback import Callback
from trayalert.domain.events import CallbackArrived, Event, IncidentChanged, TestReceived
from trayalert.domain.incident import Arrival, Change, Incident, fold
from trayalert.domain.times import Millis
from trayalert.storage.rows import (
    INCIDENT_COLUMNS,
    NEW_ALERT_COLUMNS,
    SELECT_INCIDENT,
    alert_values,
    incident_values,
    read_incident,
)

_DELIVERY_COLUMNS = ("id", "received_at", "alert_id", "method", "query", "content_type", "sender", "body")
_MUTABLE = [field.name for field in fields(Incident) if field.name not in {"id", "key", "subject"}]
_UPSERT = f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _MUTABLE)}"
_WIDTHS = (64, 16, 4, 1)
"""Rows or values of one statement; a few fixed widths, so that prepared statements are found again."""


@dataclass(frozen=True, slots=True)
class Append:
    """Store a callback with the alerts that were read in it."""

    callback: Callback
    alerts: tuple[Alert, ...]


def append_all(connection: sqlite3.Connection, jobs: Sequence[Append]) -> list[tuple[Event, ...]]:
    """Write all jobs inside the present transaction; return what each one changed."""
    return _Group(connection, jobs).write()


class _Group:
    """What one group knows and makes: known alerts by identity, known and changed incidents by number."""

    def __init__(self, connection: sqlite3.Connection, jobs: Sequence[Append]) -> None:
        self._connection = connection
        self._jobs = jobs
        self._seen = self._known_alerts(alert.identity.text for job in jobs for alert in job.alerts)
        self._incidents: dict[int, Incident] = {}
        self._by_name: dict[str, dict[int, None]] = {}
        self._changed: set[int] = set()
        self._retries: dict[int, int] = {}
        self._deliveries: list[Sequence[Any]] = []
        self._alerts: list[Sequence[Any]] = []
        sql = "SELECT (SELECT max(id) FROM delivery), (SELECT max(id) FROM alert), (SELECT max(id) FROM incident)"
        last = connection.execute(sql).fetchone()
        self._delivery_id, self._alert_id, self._incident_id = (number or 0 for number in last)
        for incident in self._known_incidents():
            self._keep(incident)

    def write(self) -> list[tuple[Event, ...]]:
        """Fold every callback, then write what came of it."""
        events = [self._take(job) for job in self._jobs]
        self._insert("delivery", _DELIVERY_COLUMNS, self._deliveries)
        self._insert("alert", NEW_ALERT_COLUMNS, self._alerts)
        changed = [incident_values(self._incidents[number]) for number in sorted(self._changed)]
        self._insert("incident", INCIDENT_COLUMNS, changed, _UPSERT)
        sql = "UPDATE alert SET deliveries = deliveries + ? WHERE id = ?"
        self._connection.executemany(sql, [(count, number) for number, count in self._retries.items()])
        return events

    def _take(self, job: Append) -> tuple[Event, ...]:
        callback = job.callback
        self._delivery_id += 1
        events: list[Event] = [CallbackArrived(callback.received_at)]
        numbers = [self._take_alert(alert, callback.received_at, events) for alert in job.alerts]
        self._deliveries.append((
            self._delivery_id,
            callback.received_at,
            numbers[0],
            callback.method,
            callback.query,
            callback.content_type,
            callback.sender,
            callback.body,
        ))  # fmt: skip
        return tuple(events)

    def _take_alert(self, alert: Alert, received_at: Millis, events: list[Event]) -> int:
        known = self._retry_of(alert.identity, received_at)
        if known is not None:
            self._retries[known] = self._retries.get(known, 0) + 1
            return known
        self._alert_id += 1
        if alert.identity.text:
            self._seen[alert.identity.text] = (self._alert_id, received_at)
        incident_id, change = None, None
        if alert.kind is Kind.TEST:
            events.append(TestReceived(received_at))
        else:
            incident_id, change = self._fold(alert, received_at, events)
        self._alerts.append(
            alert_values(
                alert,
                alert_id=self._alert_id,
                delivery_id=self._delivery_id,
                received_at=received_at,
                incident_id=incident_id,
                late=change is Change.LATE,
            )
        )
        return self._alert_id

    def _retry_of(self, identity: Identity, received_at: Millis) -> int | None:
        seen = self._seen.get(identity.text)
        if seen is None or not (identity.timed or abs(received_at - seen[1]) <= SAME_TEXT_SPAN):
            return None
        return seen[0]

    def _fold(self, alert: Alert, received_at: Millis, events: list[Event]) -> tuple[int, Change]:
        numbers = self._by_name.get(alert.subject, {}) | self._by_name.get(alert.key, {})
        arrival = Arrival(alert=alert, alert_id=self._alert_id, received_at=received_at)
        folded = fold(arrival, [self._incidents[number] for number in numbers])
        joined = folded.joined
        if not joined.id:
            self._incident_id += 1
            joined = replace(joined, id=self._incident_id)
        for incident in folded.superseded:
            self._keep(incident, changed=True)
            events.append(IncidentChanged(incident.id, Change.SUPERSEDED))
        self._keep(joined, changed=True)
        events.append(IncidentChanged(joined.id, folded.change))
        return joined.id, folded.change

    def _keep(self, incident: Incident, *, changed: bool = False) -> None:
        self._incidents[incident.id] = incident
        self._by_name.setdefault(incident.subject, {})[incident.id] = None
        self._by_name.setdefault(incident.key, {})[incident.id] = None
        if changed:
            self._changed.add(incident.id)

    def _known_alerts(self, identities: Iterable[str]) -> dict[str, tuple[int, Millis]]:
        known: dict[str, tuple[int, Millis]] = {}
        for marks, some in _in_widths(sorted(set(identities) - {""})):
            sql = f"SELECT identity, max(id), received_at FROM alert WHERE identity IN ({marks}) GROUP BY identity"
            known |= {row[0]: (row[1], row[2]) for row in self._connection.execute(sql, some)}
        return known

    def _known_incidents(self) -> Iterator[Incident]:
        """Return open incidents of the group's keys and subjects, and closed ones that an alert may belong to."""
        arrivals = [
            (alert.key, alert.subject, alert.at if alert.at is not None else job.callback.received_at)
            for job in self._jobs
            for alert in job.alerts
            if alert.kind is not Kind.TEST
        ]
        earliest = min((at for _, _, at in arrivals), default=0)
        subjects = {subject for _, subject, _ in arrivals}
        for column, names in (("subject", subjects), ("key", {key for key, _, _ in arrivals} - subjects)):
            for marks, some in _in_widths(sorted(names)):
                sql = f"""
                    {SELECT_INCIDENT} FROM incident AS i
                    WHERE i.{column} IN ({marks}) AND (i.ok_at IS NULL OR i.ok_at >= ?)
                    UNION {SELECT_INCIDENT} FROM incident AS i WHERE i.{column} IN ({marks}) AND i.closed_at IS NULL
                    ORDER BY 1
                """
                yield from map(read_incident, self._connection.execute(sql, (*some, earliest, *some)))

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], suffix: str = "") -> None:
        row_marks = f"({', '.join('?' * len(columns))})"
        start = 0
        while start < len(rows):
            width = next(width for width in _WIDTHS if width <= len(rows) - start)
            sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row_marks] * width)}{suffix}"
            self._connection.execute(sql, [value for row in rows[start : start + width] for value in row])
            start += width


def _in_widths(values: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Cut values into lists of the fixed widths (filled up with the last one), each with its question marks."""
    start = 0
    while start < len(values):
        left = len(values) - start
        width = next((width for width in reversed(_WIDTHS) if width >= left), _WIDTHS[0])
        some = values[start : start + width]
        yield ", ".join("?" * width), some + some[-1:] * (width - len(some))
        start += width
