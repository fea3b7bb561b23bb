"""Tasks that store gaps, which are spans in which no callback could arrive.

The beginning of a gap is stored when trayalert notices the gap. The end is stored when the gap is over. If trayalert is
killed during a gap, the log still contains the gap.
"""

import sqlite3
from dataclasses import dataclass

from trayalert.domain.events import Event, GapChanged
from trayalert.domain.gap import GapCause
from trayalert.domain.phrase import phrase_to_text
from trayalert.domain.times import Millis
from trayalert.storage.rows import GAP_COLUMNS, read_gap

MAX_GAPS = 10_000
"""Maximum number of gaps in the log. If there are more, the oldest gaps are deleted.

Without this limit, the log would fill with gaps if reachability kept changing for days.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddGap:
    """Stores a gap. `ended_at` is None if the gap is still open. `why` is a sentence about the cause, or None."""

    cause: GapCause
    began_at: Millis
    ended_at: Millis | None = None
    why: str | None = None

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Insert the gap. Then delete the oldest gaps if the log has more than MAX_GAPS gaps."""
        sql = f"INSERT INTO gap ({GAP_COLUMNS}) VALUES (NULL, ?, ?, ?, ?) RETURNING {GAP_COLUMNS}"
        (row,) = connection.execute(
            sql, (self.cause, self.began_at, self.ended_at, phrase_to_text(self.why))
        ).fetchall()
        gap = read_gap(row)
        connection.execute("DELETE FROM gap WHERE id <= ?", (gap.id - MAX_GAPS,))
        return (GapChanged(gap),)


@dataclass(frozen=True, slots=True)
class EndGaps:
    """Ends all open gaps at `ended_at`. A gap that began after `ended_at` ends at the time at which it began."""

    ended_at: Millis

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Set the end of all open gaps. Return one event for each of these gaps."""
        sql = f"UPDATE gap SET ended_at = max(began_at, ?) WHERE ended_at IS NULL RETURNING {GAP_COLUMNS}"
        rows = connection.execute(sql, (self.ended_at,)).fetchall()
        return tuple(GapChanged(read_gap(row)) for row in rows)
