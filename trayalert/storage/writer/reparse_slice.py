"""Parses stored callbacks again with the current parsers, one slice of the log at a time.

A callback that was stored as unrecognised may now be recognised, and its alert is then replaced. In other alerts,
columns such as names and regions are updated.

The alerts of a slice and the progress are written in one transaction. Therefore no alert is lost or stored twice if
trayalert is killed.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from trayalert.domain.callback import Callback
from trayalert.domain.events import Event, ReparseProgress
from trayalert.domain.incident.alert import UNRECOGNISED, Alert
from trayalert.domain.incident.incident import UNRECOGNISED_SPAN, Change
from trayalert.domain.times import Millis
from trayalert.storage.rows import (
    ALERT_DIGESTED,
    DELIVERY_DIGESTED,
    SELECT_INCIDENT,
    UPDATE_ALERT,
    UPDATE_INCIDENT,
    alert_row,
    incident_row,
    make_callback,
    message_in,
    raise_numbering,
    read_incident,
    renewed_row,
)
from trayalert.storage.writer.appender import CallbackParser, Reparsed, append_reparsed
from trayalert.storage.writer.savepoint import run_all_or_each

SLICE_SIZE = 64
MAX_SLICE_BYTES = 256 * 1024
"""SLICE_SIZE limits the deliveries in one transaction, and MAX_SLICE_BYTES limits the total size of their bodies.

Larger transactions would delay the callbacks that arrive in the meantime.
"""

_PROGRESS = "position, last, turned, refreshed"
_DELIVERIES = f"""
    SELECT {", ".join(DELIVERY_DIGESTED)} FROM delivery WHERE id > ? AND id <= ? ORDER BY id LIMIT {SLICE_SIZE + 1}
"""
_ALERTS = f"""
    SELECT deliveries, last_delivery_id, {", ".join(ALERT_DIGESTED)} FROM alert
    WHERE delivery_id = :number
        OR (last_delivery_id = :number AND identity IN (SELECT value FROM json_each(:identities)))
    ORDER BY id
"""
"""Selects the alerts whose first delivery is `:number`.

Also selects those alerts whose last delivery is `:number` and whose identity is one of `:identities`.
"""
_RENEWED = ("value", "value_text", "unit")
_DECISIVE_INDEXES = [ALERT_DIGESTED.index(name) for name in ("kind", "state", "level", "at")]
"""Positions in ALERT_DIGESTED of the columns that determined how the alert changed its incident.

If the current parsers read one of these columns differently, no column of the stored alert is updated.
"""


@dataclass(frozen=True, slots=True)
class _AlertRow:
    """A stored alert. `values` are in the order of ALERT_DIGESTED."""

    deliveries: int
    last_delivery_id: int
    values: Sequence[Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[ALERT_DIGESTED.index(column)]


@dataclass(frozen=True, slots=True)
class ReparseSlice:
    """Parses the next slice of stored callbacks again. With `restart`, the next slice is the first slice of the log."""

    read: CallbackParser
    now: Millis
    restart: bool = False

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Parse the slice again. Return an event with the progress."""
        position, last, turned, refreshed = self._progress(connection)
        rows, finished = _take_slice(connection.execute(_DELIVERIES, (position, last)))
        # if a callback's new alerts cannot be stored, its old alerts are kept
        counts = run_all_or_each(connection, rows, partial(self._reparse_rows, connection), lambda _: (0, 0))
        turned += sum(count for count, _ in counts)
        refreshed += sum(count for _, count in counts)
        position = last if finished else rows[-1][0]
        if finished:
            connection.execute("DELETE FROM reparse")
        else:
            connection.execute(
                "UPDATE reparse SET position = ?, turned = ?, refreshed = ?", (position, turned, refreshed)
            )
        return (ReparseProgress(position, last, turned, refreshed, finished),)

    def _progress(self, connection: sqlite3.Connection) -> tuple[int, int, int, int]:
        if self.restart:
            connection.execute("DELETE FROM reparse")
        row = connection.execute(f"SELECT {_PROGRESS} FROM reparse").fetchone()
        if row is None:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM delivery").fetchone()
            row = (0, last, 0, 0)
            connection.execute(f"INSERT INTO reparse (begun_at, {_PROGRESS}) VALUES (?, ?, ?, ?, ?)", (self.now, *row))
        position, last, turned, refreshed = row
        return position, last, turned, refreshed

    def _reparse_rows(self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> tuple[int, int]:
        """Parse the callbacks in `rows` again. Return how many alerts were replaced, and how many were updated."""
        turned: list[Reparsed] = []
        refreshed = 0
        for number, *values in rows:
            refreshed += self._refresh(connection, number, make_callback(values), turned)
        if turned:
            raise_numbering(connection)
            _remove_from_incidents(connection, [job.alert_id for job in turned])
            append_reparsed(connection, turned)
        return len(turned), refreshed

    def _refresh(self, connection: sqlite3.Connection, number: int, callback: Callback, turned: list[Reparsed]) -> int:
        """Update those alerts of a callback that the current parsers read differently. Return how many were updated.

        `number` is the id of the delivery. If the current parsers recognise a callback that was stored as unrecognised,
        its alert is not updated. Instead, the replacement of the alert is added to `turned`.
        """
        parsed = {alert.identity.text: alert for alert in self.read(callback)}
        names = {"number": number, "identities": json.dumps(list(parsed))}
        stored = [_AlertRow(row[0], row[1], row[2:]) for row in connection.execute(_ALERTS, names)]
        first = [each["identity"] for each in stored if each["delivery_id"] == number]
        known = set(first)
        kinds = {alert.kind for alert in parsed.values()}
        refreshed = []
        for each in stored:
            is_first = each["delivery_id"] == number
            if is_first and each["kind"] == UNRECOGNISED and UNRECOGNISED not in kinds:
                fresh = tuple(alert for text, alert in parsed.items() if len(first) == 1 or text not in known)
                known |= parsed.keys()
                if not all(alert.only_closes for alert in fresh):
                    turned.append(Reparsed(callback, fresh, number, each["id"], each.deliveries))
            elif (alert := parsed.get(each["identity"])) and (row := _refreshed_row(alert, each, number)):
                refreshed.append((*row, each["id"]))
        connection.executemany(UPDATE_ALERT, refreshed)
        return len(refreshed)


def _take_slice(rows: Iterable[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], bool]:
    """Return the deliveries of the next slice, and whether `rows` contains no further deliveries.

    A slice has SLICE_SIZE deliveries, or fewer if their bodies exceed MAX_SLICE_BYTES in total.
    """
    taken: list[tuple[Any, ...]] = []
    length = 0
    for row in rows:
        if len(taken) == SLICE_SIZE or length > MAX_SLICE_BYTES:
            return taken, False
        taken.append(row)
        length += len(row[-1])
    return taken, True


def _refreshed_row(alert: Alert, stored: _AlertRow, number: int) -> list[Any] | None:
    """Return the new digest and values for the row of a stored alert, or None if the row stays as it is.

    `alert` was parsed again from the delivery with the id `number`. A row contains the value, unit and message
    of the alert's last delivery. Everything else in the row is from the alert's first delivery.
    """
    if stored["delivery_id"] != number:
        digest, *values = renewed_row(stored.values, alert)
    else:
        if stored.last_delivery_id != number:
            alert = replace(alert, **{name: stored[name] for name in _RENEWED}, message=message_in(stored["more"]))
        _, _, digest, *values = alert_row(
            alert,
            alert_id=stored["id"],
            delivery_id=stored["delivery_id"],
            received_at=stored["received_at"],
            incident_id=stored["incident_id"],
            late=bool(stored["late"]),
        )
    if values == list(stored.values) or any(values[place] != stored.values[place] for place in _DECISIVE_INDEXES):
        return None
    return [digest, *values]


def _remove_from_incidents(connection: sqlite3.Connection, alerts: Sequence[int]) -> None:
    """Remove the given unrecognised alerts from their incidents. Delete each incident that has no other alert."""
    marks = ", ".join("?" * len(alerts))
    sql = f"SELECT DISTINCT incident_id FROM alert WHERE id IN ({marks}) AND incident_id IS NOT NULL"
    for (incident_id,) in connection.execute(sql, alerts).fetchall():
        sql = (
            "SELECT count(*), min(received_at), max(received_at), max(id) FROM alert"
            f" WHERE incident_id = ? AND id NOT IN ({marks})"
        )
        count, first, latest, last_id = connection.execute(sql, (incident_id, *alerts)).fetchone()
        if not count:
            connection.execute("DELETE FROM incident WHERE id = ?", (incident_id,))
            continue
        row = connection.execute(f"{SELECT_INCIDENT} FROM incident AS i WHERE id = ?", (incident_id,)).fetchone()
        incident = read_incident(row)
        incident = incident._replace(
            alerts=count,
            opened_at=first,
            fired_at=latest,
            last_at=latest,
            last_received_at=latest,
            last_alert_id=last_id,
            expires_at=latest + UNRECOGNISED_SPAN if incident.open else None,
            closed_at=latest + UNRECOGNISED_SPAN if incident.closed_by is Change.EXPIRED else incident.closed_at,
        )
        connection.execute(UPDATE_INCIDENT, (*incident_row(incident), incident_id))
