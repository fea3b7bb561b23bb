"""Retention: deliveries that are too old or too many are deleted, the oldest first, a few at a time.

An alert is deleted with its first delivery. Open incidents stay whole; of a closed one the alert that stands for it
stays until it is the last one, and the incident is deleted with it. No id is given away again.
"""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from trayalert.domain.callback import INTERNAL_METHOD
from trayalert.domain.events import Event
from trayalert.domain.times import Millis
from trayalert.storage.read_connection import open_read_only
from trayalert.storage.rows import raise_numbering

BATCH_SIZE = 200
MAX_BATCH_BYTES = 1024 * 1024
"""Limits of one transaction: more would keep live callbacks waiting."""

_SHRINK_TO = 0.9
"""A log that is too big is brought down to this part of its limit."""

_VACUUM_PAGES = 256
"""Pages that are given back to the disk in one transaction."""

_MIN_FREE_PAGES = 64
_FREE_PAGES_DIVISOR = 10
"""That many pages, or one page in ten, may stay free for what comes next."""

_FAR_FUTURE: Millis = 2**62

_RETIRED_IDS = "(SELECT value FROM json_each(?))"
_SELECT_KEPT = f"""
    SELECT a.delivery_id FROM alert AS a JOIN incident AS i ON i.id = a.incident_id
    WHERE a.delivery_id IN {_RETIRED_IDS} AND (i.closed_at IS NULL OR (i.last_alert_id = a.id AND EXISTS (
        SELECT 1 FROM alert AS other WHERE other.incident_id = i.id AND other.delivery_id NOT IN {_RETIRED_IDS})))
    UNION
    SELECT d.id FROM delivery AS d JOIN alert AS a ON a.id = d.alert_id JOIN incident AS i ON i.id = a.incident_id
    WHERE d.id IN {_RETIRED_IDS} AND i.closed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class LogSize:
    """How many bytes are in use, and how many pages are free; `can_shrink`: free pages can be given back."""

    used: int
    pages: int
    free_pages: int
    can_shrink: bool


@dataclass(frozen=True, slots=True)
class Retire:
    """Delete these deliveries and what belongs to them, except what must stay."""

    deliveries: tuple[int, ...]

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Delete them."""
        retired = set(self.deliveries)
        while kept := self._kept(connection, retired):  # what stays may keep more
            retired -= kept
        if not retired:
            return ()
        names = json.dumps(sorted(retired))
        raise_numbering(connection, thinned=max(retired))
        sql = f"SELECT DISTINCT incident_id FROM alert WHERE delivery_id IN {_RETIRED_IDS} AND incident_id IS NOT NULL"
        incidents = json.dumps([number for (number,) in connection.execute(sql, (names,))])
        connection.execute(f"DELETE FROM alert WHERE delivery_id IN {_RETIRED_IDS}", (names,))
        connection.execute(f"DELETE FROM delivery WHERE id IN {_RETIRED_IDS}", (names,))
        connection.execute(
            f"DELETE FROM incident WHERE id IN {_RETIRED_IDS} AND closed_at IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM alert WHERE alert.incident_id = incident.id)",
            (incidents,),
        )
        return ()

    def _kept(self, connection: sqlite3.Connection, retired: set[int]) -> set[int]:
        names = json.dumps(sorted(retired))
        return {number for (number,) in connection.execute(_SELECT_KEPT, (names, names, names))}


@dataclass(frozen=True, slots=True)
class Shrink:
    """Give some free pages back to the disk."""

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Give them back."""
        for _ in range(_VACUUM_PAGES):
            connection.execute("PRAGMA incremental_vacuum(1)")  # of a higher number, Python lets SQLite do one step too
        return ()


def next_deliveries(log: Path, *, after: int, before: Millis = _FAR_FUTURE) -> tuple[int, ...]:
    """Return the next deliveries behind the id `after` that arrived before that moment. Raise LogFault."""
    sql = "SELECT id, length(body) FROM delivery WHERE id > ? AND received_at < ? ORDER BY id LIMIT ?"
    numbers: list[int] = []
    left = MAX_BATCH_BYTES
    with open_read_only(log) as connection:
        for number, length in connection.execute(sql, (after, before, BATCH_SIZE)):
            numbers.append(number)
            left -= length
            if left <= 0:
                break
    return tuple(numbers)


def newest_delivery_time(log: Path) -> Millis | None:
    """Return when the newest delivery arrived. What the program itself stored proves no clock. Raise LogFault."""
    with open_read_only(log) as connection:
        row = connection.execute(
            "SELECT received_at FROM delivery WHERE method <> ? ORDER BY id DESC LIMIT 1", (INTERNAL_METHOD,)
        ).fetchone()
    return int(row[0]) if row else None


def log_size(log: Path) -> LogSize:
    """Return how big the log is. Raise LogFault."""
    with open_read_only(log) as connection:
        pages, free, page_size, mode = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size", "auto_vacuum")
        )
    return LogSize((pages - free) * page_size, pages, free, mode == 2)


def exceeds_limit(size: LogSize, *, megabytes: int, shrinking: bool) -> bool:
    """Whether deliveries must be deleted; once `shrinking` has begun, the limit is somewhat lower."""
    return size.used > megabytes * 1_048_576 * (_SHRINK_TO if shrinking else 1)


def needs_vacuum(size: LogSize) -> bool:
    """Whether enough pages are free to give them back to the disk."""
    return size.can_shrink and size.free_pages > max(_MIN_FREE_PAGES, size.pages // _FREE_PAGES_DIVISOR)
