"""A gap: a span in which no callback could arrive. What was sent in it is lost unless it was sent again later."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from trayalert.domain.times import Millis

MIN_GAP: Millis = 1_000
"""A shorter span is no gap: so long takes a restart, or a sleep that was announced and did not take place."""


class GapCause(enum.StrEnum):
    """`off`: the program did not run. `asleep`: the computer slept, or the program hung. `blind`: see Reachability.

    An unknown word (another version's, or damage) is read as `blind`, so that one bad row does not hide the others.
    """

    OFF = "off"
    ASLEEP = "asleep"
    BLIND = "blind"

    @classmethod
    def _missing_(cls, _: object) -> "GapCause":
        return cls.BLIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One gap. `ended_at` is None while it lasts; `why` is a sentence or None."""

    id: int
    cause: GapCause
    began_at: Millis
    ended_at: Millis | None = None
    why: str | None = None

    def length(self, now: Millis) -> Millis:
        """Return how long the gap lasted, or has lasted until now."""
        return max(0, (now if self.ended_at is None else self.ended_at) - self.began_at)


def gap_time(gaps: Iterable[Gap], *, since: Millis, until: Millis) -> Millis:
    """Return how much of a span lies in gaps; where gaps overlap the time counts once."""
    total, covered_until = 0, since
    for gap in sorted(gaps, key=lambda gap: gap.began_at):
        end = until if gap.ended_at is None else min(gap.ended_at, until)
        total += max(0, end - max(gap.began_at, covered_until))
        covered_until = max(covered_until, end)
    return total
