"""Gaps in the log: begun when one is noticed, ended when it is over, so that a kill in between loses neither."""

import sqlite3
from dataclasses import dataclass

from trayalert.domain.events import Event, GapChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.times import Millis

MAX_GAPS = 10_000
"""So many are kept: a way in that flaps for days must not fill the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddGap:
    """Note a gap, with its end or still open."""

    cause: GapCause
    began_at: Millis
    ended_at: Millis | None = None
    why: str | None = None

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Insert it."""
        values = (self.cause, self.began_at, self.ended_at, self.why)
        cursor = connection.execute("INSERT INTO gap (cause, began_at, ended_at, why) VALUES (?, ?, ?, ?)", values)
        number = cursor.lastrowid
        assert number is not None  # noqa: S101 - an INSERT has one
        connection.execute("DELETE FROM gap WHERE id <= ?", (number - MAX_GAPS,))
        return (
            GapChanged(Gap(id=number, cause=self.cause, began_at=self.began_at, ended_at=self.ended_at, why=self.why)),
        )


@dataclass(frozen=True, slots=True)
class EndGaps:
    """End all gaps that still last, none before it began."""

    ended_at: Millis

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Update them."""
        rows = connection.execute(
            "UPDATE gap SET ended_at = max(began_at, ?) WHERE ended_at IS NULL "
            "RETURNING id, cause, began_at, ended_at, why",
            (self.ended_at,),
        ).fetchall()
        return tuple(
            GapChanged(Gap(id=id_, cause=GapCause(cause), began_at=began_at, ended_at=ended_at, why=why))
            for id_, cause, began_at, ended_at, why in rows
        )
