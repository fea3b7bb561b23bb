"""Retention: deletes deliveries that exceed the age limit, and the oldest deliveries of a log that is too large.

The oldest deliveries are deleted first, a few at a time. An alert is deleted together with its first delivery. Nothing
that belongs to an open incident is deleted. The latest alert of a closed incident is kept for as long as the incident
has other alerts. The incident is deleted together with its latest alert. The ids of deleted rows are never used again.
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
"""BATCH_SIZE limits the deliveries in one transaction, and MAX_BATCH_BYTES limits the total size of their bodies.

Larger transactions would delay the callbacks that arrive in the meantime.
"""

_SHRINK_TO = 0.9
"""If the log exceeds the size limit, deliveries are deleted until the log's size is this fraction of the limit."""

_VACUUM_PAGES = 256
"""Maximum number of free pages that are returned to the file system in one transaction."""

_MIN_FREE_PAGES = 64
_FREE_PAGES_DIVISOR = 10
"""The file keeps free pages for new rows: one per _FREE_PAGES_DIVISOR pages, and at least _MIN_FREE_PAGES."""

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
    """The size of the log.

    `used` is the number of bytes in use. `pages` is the number of all pages in the file, including the unused ones, and
    `free_pages` is the number of unused pages. `can_shrink` says whether unused pages can be returned to the file
    system.
    """

    used: int
    pages: int
    free_pages: int
    can_shrink: bool


@dataclass(frozen=True, slots=True)
class Retire:
    """Deletes deliveries with their alerts and incidents. The deliveries of open incidents are kept.

    The delivery of a closed incident's latest alert is kept for as long as any other alert of the incident is kept.
    """

    deliveries: tuple[int, ...]

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Delete those deliveries that need not be kept."""
        retired = set(self.deliveries)
        while kept := self._kept(connection, retired):  # keeping one delivery may make it necessary to keep others
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
        """Return those deliveries in `retired` that must be kept."""
        names = json.dumps(sorted(retired))
        return {number for (number,) in connection.execute(_SELECT_KEPT, (names, names, names))}


@dataclass(frozen=True, slots=True)
class Shrink:
    """Returns some of the file's free pages to the file system."""

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Return up to _VACUUM_PAGES free pages to the file system."""
        for _ in range(_VACUUM_PAGES):
            # Python's `execute` steps the statement only once, which frees a single page even if the number is higher
            connection.execute("PRAGMA incremental_vacuum(1)")
        return ()


def next_deliveries(log: Path, *, after: int, before: Millis = _FAR_FUTURE) -> tuple[int, ...]:
    """Return the ids of the next deliveries, in ascending order.

    The ids are greater than `after`, and the deliveries arrived before the time `before`. At most BATCH_SIZE ids are
    returned, and fewer if the bodies of the deliveries reach MAX_BATCH_BYTES. Raise LogFault if the log cannot be read.
    """
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
    """Return the time at which the newest delivery arrived, or None if there is no delivery.

    The caller uses this time to judge whether the clock is right. Deliveries that trayalert itself created are ignored.
    Raise LogFault if the log cannot be read.
    """
    with open_read_only(log) as connection:
        row = connection.execute(
            "SELECT received_at FROM delivery WHERE method <> ? ORDER BY id DESC LIMIT 1", (INTERNAL_METHOD,)
        ).fetchone()
    return int(row[0]) if row else None


def log_size(log: Path) -> LogSize:
    """Return the size of the log. Raise LogFault if the log cannot be read."""
    with open_read_only(log) as connection:
        pages, free, page_size, mode = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size", "auto_vacuum")
        )
    return LogSize((pages - free) * page_size, pages, free, mode == 2)


def exceeds_limit(size: LogSize, *, megabytes: int, shrinking: bool) -> bool:
    """Return whether the log is so large that deliveries must be deleted.

    The limit is `megabytes` MiB. If `shrinking` is set, deletion has already begun, and the limit is multiplied by
    _SHRINK_TO.
    """
    return size.used > megabytes * 1_048_576 * (_SHRINK_TO if shrinking else 1)


def needs_vacuum(size: LogSize) -> bool:
    """Return whether the file has so many free pages that some should be returned to the file system."""
    return size.can_shrink and size.free_pages > max(_MIN_FREE_PAGES, size.pages // _FREE_PAGES_DIVISOR)
