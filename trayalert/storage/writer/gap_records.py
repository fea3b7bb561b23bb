"""Gaps in the log: begun when one is noticed, ended when it is over, so that a kill in between loses nothing."""

import sqlite3
from dataclasses import dataclass

from trayalert.domain.events import Event, GapChanged
from trayalert.domain.gap import GapCause
from trayalert.domain.times import Millis
from trayalert.storage.rows import GAP_COLUMNS, read_gap

MAX_GAPS = 10_000
"""The newest are kept: reachability that flaps for days must not fill the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddGap:
    """Note a gap, with its end or still open."""

    cause: GapCause
    began_at: Millis
    ended_at: Millis | None = None
    why: str | None = None

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Insert it."""
        sql = f"INSERT INTO gap ({GAP_COLUMNS}) VALUES (NULL, ?, ?, ?, ?) RETURNING {GAP_COLUMNS}"
        (row,) = connection.execute(sql, (self.cause, self.began_at, self.ended_at, self.why)).fetchall()
        gap = read_gap(row)
        connection.execute("DELETE FROM gap WHERE id <= ?", (gap.id - MAX_GAPS,))
        return (GapChanged(gap),)


@dataclass(frozen=True, slots=True)
class EndGaps:
    """End all gaps that still last, none before it began."""

    ended_at: Millis

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Update them."""
        sql = f"UPDATE gap SET ended_at = max(began_at, ?) WHERE ended_at IS NULL RETURNING {GAP_COLUMNS}"
        rows = connection.execute(sql, (self.ended_at,)).fetchall()
        return tuple(GapChanged(read_gap(row)) for row in rows)
