"""Tasks that record gaps in the log.

A gap is recorded when it is noticed, and its end is recorded when the gap is over. A kill in between loses nothing.
"""

import sqlite3
from dataclasses import dataclass

from trayalert.domain.events import Event, GapChanged
from trayalert.domain.gap import GapCause
from trayalert.domain.times import Millis
from trayalert.storage.rows import GAP_COLUMNS, read_gap

MAX_GAPS = 10_000
"""Number of gaps to keep. Older gaps are deleted.

Reachability that changes back and forth for days must not fill the log.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddGap:
    """Records a gap. `ended_at` is None if the gap still lasts. `why` is a sentence or None."""

    cause: GapCause
    began_at: Millis
    ended_at: Millis | None = None
    why: str | None = None

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Insert the gap. If there are then more than MAX_GAPS gaps, delete the oldest gaps."""
        sql = f"INSERT INTO gap ({GAP_COLUMNS}) VALUES (NULL, ?, ?, ?, ?) RETURNING {GAP_COLUMNS}"
        (row,) = connection.execute(sql, (self.cause, self.began_at, self.ended_at, self.why)).fetchall()
        gap = read_gap(row)
        connection.execute("DELETE FROM gap WHERE id <= ?", (gap.id - MAX_GAPS,))
        return (GapChanged(gap),)


@dataclass(frozen=True, slots=True)
class EndGaps:
    """Ends all gaps that still last. A gap that began after `ended_at` ends when it began."""

    ended_at: Millis

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Write the end into all open gaps."""
        sql = f"UPDATE gap SET ended_at = max(began_at, ?) WHERE ended_at IS NULL RETURNING {GAP_COLUMNS}"
        rows = connection.execute(sql, (self.ended_at,)).fetchall()
        return tuple(GapChanged(read_gap(row)) for row in rows)
