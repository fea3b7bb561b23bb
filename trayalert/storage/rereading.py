"""Old callbacks read again by today's parsers, a slice of the log at a time.

What was unrecognised turns into alerts; of what was read already, names, places and the like are brought up to date.
How far it has come is written in each slice's own transaction: a kill at any moment loses nothing and doubles nothing.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trayalert.domain.alert import UNRECOGNISED, Alert
from trayalert.domain.callback import Callback
from trayalert.domain.events import Event, Reread
from trayalert.domain.incident import UNRECOGNISED_SPAN, Change
from trayalert.domain.times import Millis
from trayalert.storage.appending import Again, Readings, append_again
from trayalert.storage.rows import (
    ALERT_DIGESTED,
    DELIVERY_DIGESTED,
    SELECT_INCIDENT,
    UPDATE_INCIDENT,
    alert_row,
    incident_row,
    read_incident,
)

SLICE = 64
LARGEST_SLICE = 256 * 1024
"""Callbacks of one transaction, and after how many bytes of bodies it ends: more would keep live ones waiting."""

_PROGRESS = "position, last, turned, refreshed"
_DELIVERIES = f"""
    SELECT {", ".join(DELIVERY_DIGESTED)} FROM delivery AS d
    WHERE id > ? AND id <= ? AND EXISTS (SELECT 1 FROM alert WHERE delivery_id = d.id) ORDER BY id LIMIT {SLICE + 1}
"""
_FIXED = [ALERT_DIGESTED.index(name) for name in ("kind", "state", "level", "at")]
"""What decided what became of an incident: where today's parsers read it otherwise, the alert stays as it is."""

_SET = f"UPDATE alert SET digest = ?, {', '.join(f'{name} = ?' for name in ALERT_DIGESTED)} WHERE id = ?"
_KEEP_NUMBERS = """
    UPDATE numbering SET alert = max(alert, coalesce((SELECT max(id) FROM alert), 0)),
                         incident = max(incident, coalesce((SELECT max(id) FROM incident), 0))
"""


@dataclass(slots=True)
class _Slice:
    """What is to be done with some callbacks."""

    turned: list[Again] = field(default_factory=list)
    refreshed: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """Read the next callbacks again, from where it was left; with `anew` from the first one."""

    read: Readings
    now: Millis
    anew: bool = False

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Read a slice, and say how far it has come."""
        position, last, turned, refreshed = self._progress(connection)
        rows, finished = _slice(connection.execute(_DELIVERIES, (position, last)))
        now_turned, now_refreshed = self._take(connection, rows)
        turned, refreshed = turned + now_turned, refreshed + now_refreshed
        position = last if finished else rows[-1][0]
        if finished:
            connection.execute("DELETE FROM reparse")
        else:
            connection.execute(
                "UPDATE reparse SET position = ?, turned = ?, refreshed = ?", (position, turned, refreshed)
            )
        return (Reread(position, last, turned, refreshed, finished),)

    def _progress(self, connection: sqlite3.Connection) -> tuple[int, int, int, int]:
        if self.anew:
            connection.execute("DELETE FROM reparse")
        row = connection.execute(f"SELECT {_PROGRESS} FROM reparse").fetchone()
        if row is None:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM delivery").fetchone()
            row = (0, last, 0, 0)
            connection.execute(f"INSERT INTO reparse (begun_at, {_PROGRESS}) VALUES (?, ?, ?, ?, ?)", (self.now, *row))
        position, last, turned, refreshed = row
        return position, last, turned, refreshed

    def _take(self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> tuple[int, int]:
        """Take these callbacks; where one cannot be stored each is tried alone, and that one stays as it is."""
        if not rows:
            return 0, 0
        connection.execute("SAVEPOINT again")
        try:
            return self._write(connection, rows)
        except Exception as error:
            if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
                raise
            connection.execute("ROLLBACK TO again")
            if len(rows) == 1:
                return 0, 0
            counts = [self._take(connection, [row]) for row in rows]
            return sum(turned for turned, _ in counts), sum(refreshed for _, refreshed in counts)
        finally:
            connection.execute("RELEASE again")

    def _write(self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> tuple[int, int]:
        work = _Slice()
        for number, *values in rows:
            self._compare(connection, number, _callback_of(values), work)
        if work.turned:
            connection.execute(_KEEP_NUMBERS)
            _leave_incidents(connection, [job.alert_id for job in work.turned])
            append_again(connection, work.turned)
        connection.executemany(_SET, work.refreshed)
        return len(work.turned), len(work.refreshed)

    def _compare(self, connection: sqlite3.Connection, number: int, callback: Callback, work: _Slice) -> None:
        """Find what today's parsers read otherwise in a callback."""
        columns = ", ".join(ALERT_DIGESTED)
        sql = f"SELECT id, deliveries, last_delivery_id, {columns} FROM alert WHERE delivery_id = ? ORDER BY id"
        stored = connection.execute(sql, (number,)).fetchall()
        today = self._alerts_in(callback)
        known = {values[ALERT_DIGESTED.index("identity")] for _, _, _, *values in stored}
        kinds = {alert.kind for alert in today.values()}
        for alert_id, deliveries, last_delivery_id, *values in stored:
            if values[ALERT_DIGESTED.index("kind")] == UNRECOGNISED and UNRECOGNISED not in kinds:
                fresh = tuple(alert for text, alert in today.items() if len(stored) == 1 or text not in known)
                known |= today.keys()
                if not all(alert.only_closes for alert in fresh):
                    work.turned.append(Again(callback, fresh, number, alert_id, deliveries))
                continue
            alert = today.get(values[ALERT_DIGESTED.index("identity")])
            if alert is not None and last_delivery_id != number:
                alert = self._as_last_delivered(connection, alert, last_delivery_id)
            if alert is not None and (row := _refreshed(alert, values)) is not None:
                work.refreshed.append((*row, alert_id))

    def _alerts_in(self, callback: Callback) -> dict[str, Alert]:
        """Return what today's parsers read in a callback, by identity."""
        return {alert.identity.text: alert for alert in self.read(callback)}

    def _as_last_delivered(self, connection: sqlite3.Connection, alert: Alert, delivery_id: int) -> Alert | None:
        """Return the alert with the value and the message of its last delivery; None if that cannot be read again."""
        columns = ", ".join(DELIVERY_DIGESTED[1:])
        values = connection.execute(f"SELECT {columns} FROM delivery WHERE id = ?", (delivery_id,)).fetchone()
        last = self._alerts_in(_callback_of(values)).get(alert.identity.text) if values else None
        if last is None:
            return None
        return replace(alert, value=last.value, value_text=last.value_text, unit=last.unit, message=last.message)


def _slice(rows: Iterable[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], bool]:
    """Take the next callbacks, fewer if they are large; say whether these are the last."""
    taken: list[tuple[Any, ...]] = []
    length = 0
    for row in rows:
        if len(taken) == SLICE or length > LARGEST_SLICE:
            return taken, False
        taken.append(row)
        length += len(row[-1])
    return taken, True


def _callback_of(values: Sequence[Any]) -> Callback:
    return Callback(**dict(zip(DELIVERY_DIGESTED[1:], values, strict=True)))


def _refreshed(alert: Alert, stored: Sequence[Any]) -> list[Any] | None:
    """Return digest and values of an alert as it is read today; None where nothing is new."""
    old = dict(zip(ALERT_DIGESTED, stored, strict=True))
    _, _, digest, *values = alert_row(
        alert,
        alert_id=old["id"],
        delivery_id=old["delivery_id"],
        received_at=old["received_at"],
        incident_id=old["incident_id"],
        late=bool(old["late"]),
    )
    if values == list(stored) or any(values[place] != stored[place] for place in _FIXED):
        return None
    return [digest, *values]


def _leave_incidents(connection: sqlite3.Connection, alerts: Sequence[int]) -> None:
    """Take alerts out of the incidents of unrecognised callbacks; one that has no other alert goes."""
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
