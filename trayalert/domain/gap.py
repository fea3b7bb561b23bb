"""Gaps: spans of time in which no callback could arrive.

A callback that was sent during a gap is lost unless its sender sent it again after the gap.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from trayalert.domain.times import Millis

MIN_GAP: Millis = 1_000
"""Minimum length of a gap that is recorded.

A shorter span may come from a restart, or from a sleep that the system announced but that did not happen.
"""

MIN_ANNOUNCED_GAP: Millis = 30_000
"""Minimum length of a gap of which the user is notified.

A shorter gap usually loses nothing, because Cloud Monitor sends a callback again if the callback gets no answer. Such a
gap comes from a restart or a short sleep, and is only listed.
"""


class GapCause(enum.StrEnum):
    """Why no callback could arrive.

    A word in the log is unknown if the log is damaged or if another version of trayalert wrote the word. An unknown
    word is read as `blind`, so that one bad row does not hide all other rows.
    """

    OFF = "off"
    """The program was not running."""
    ASLEEP = "asleep"
    """The computer was asleep, or the program hung."""
    BLIND = "blind"
    """Cloud Monitor could not reach the listener (`Reachability.BLIND`)."""

    @classmethod
    def _missing_(cls, _: object) -> "GapCause":
        return cls.BLIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One gap. `ended_at` is None while the gap lasts. `why` is a sentence that names the reason, or None."""

    id: int
    cause: GapCause
    began_at: Millis
    ended_at: Millis | None = None
    why: str | None = None

    def length(self, now: Millis) -> Millis:
        """Return the length of the gap. A gap that has not ended is measured until `now`."""
        return max(0, (now if self.ended_at is None else self.ended_at) - self.began_at)


def is_announced(gap: Gap) -> bool:
    """Return whether a gap has ended and was long enough to notify the user. Shorter gaps are only listed."""
    return gap.ended_at is not None and gap.ended_at - gap.began_at >= MIN_ANNOUNCED_GAP


def gap_time(gaps: Iterable[Gap], *, since: Millis, until: Millis) -> Millis:
    """Return how much of the time from `since` to `until` is covered by gaps. Time in overlapping gaps counts once."""
    total, covered_until = 0, since
    for gap in sorted(gaps, key=lambda gap: gap.began_at):
        end = until if gap.ended_at is None else min(gap.ended_at, until)
        total += max(0, end - max(gap.began_at, covered_until))
        covered_until = max(covered_until, end)
    return total
