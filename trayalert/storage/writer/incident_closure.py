"""Tasks that close incidents without an OK: incidents that the user marks as recovered, and incidents that expire."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from trayalert.domain.events import Event, IncidentChanged
from trayalert.domain.incident.incident import Change, Incident, expire, resolve
from trayalert.domain.times import Millis
from trayalert.storage.rows import SELECT_INCIDENT, UPDATE_INCIDENT, incident_row, read_incident


@dataclass(frozen=True, slots=True)
class Resolve:
    """Marks an incident as recovered at the user's request."""

    incident_id: int
    now: Millis

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Close the incident if it is open."""
        return _close(connection, "id = ? AND closed_at IS NULL", self.incident_id, partial(resolve, now=self.now))


@dataclass(frozen=True, slots=True)
class Expire:
    """Closes all open incidents that expire at or before `now`."""

    now: Millis

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Close the incidents. Return one event for each incident."""
        return _close(connection, "closed_at IS NULL AND expires_at <= ?", self.now, expire)


def _close(
    connection: sqlite3.Connection, condition: str, value: int, close: Callable[[Incident], Incident]
) -> tuple[Event, ...]:
    rows = connection.execute(f"{SELECT_INCIDENT} FROM incident AS i WHERE {condition}", (value,)).fetchall()
    closed = [close(read_incident(row)) for row in rows]
    for incident in closed:
        connection.execute(UPDATE_INCIDENT, (*incident_row(incident), incident.id))
    return tuple(IncidentChanged(it.id, it.closed_by or Change.RESOLVED) for it in closed)
