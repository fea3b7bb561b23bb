"""Detects a wall clock that is wrong, or that is set while the program runs.

The rule: while the wall clock may be wrong, age is no reason to close an incident or to delete a callback. A second
clock, the steady clock, reveals jumps of the wall clock. The steady clock cannot be set, and it keeps running while the
computer sleeps.
"""

from dataclasses import dataclass

from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.times import Millis, duration_text, iso

_JUMP_THRESHOLD: Millis = 2 * 60_000
"""Minimum size of a jump. Smaller steps are normal corrections by time synchronisation."""

_SETTLING_TIME: Millis = 10 * 60_000
"""How long the wall clock is not trusted after a jump or a program start.

During this time, the wall clock may still be corrected.
"""

_MOST_AHEAD: Millis = 30 * 86_400_000
_TRUSTED_UPTIME: Millis = 24 * 3_600_000
"""How long the program must run before it trusts a clock that is more than _MOST_AHEAD ahead of the newest callback."""

_BEHIND_THRESHOLD: Millis = 5 * 60_000
_REPORTED_FOR: Millis = 24 * 3_600_000
_LATEST_PLAUSIBLE: Millis = 16_725_225_600_000
"""A time in the year 2500. If the log contains a later time, the cause is damage and not a wrong clock."""


@dataclass(frozen=True, slots=True)
class Jump:
    """One jump of the wall clock."""

    by: Millis
    """How far the wall clock jumped. The number is negative if the clock jumped back."""
    to: Millis
    """The time that the wall clock showed after the jump."""
    ticks: Millis
    """The time of the steady clock when the jump was noticed."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """What has been observed about the wall clock.

    `ahead` is how far the wall clock is ahead of the steady clock. `jump` is the last jump of the wall clock, or None
    if the wall clock has not jumped.
    """

    ahead: Millis
    jump: Jump | None = None


def observe_clock(clock: ClockState | None, *, wall: Millis, ticks: Millis) -> ClockState:
    """Return the new state after both clocks have been read.

    `clock` is the previous state, or None at the first reading.
    """
    ahead = wall - ticks
    if clock is None:
        return ClockState(ahead)
    by = ahead - clock.ahead
    return ClockState(ahead, Jump(by, wall, ticks) if abs(by) > _JUMP_THRESHOLD else clock.jump)


def is_stable(clock: ClockState, *, ticks: Millis) -> bool:
    """Return whether the wall clock has been without a jump for the last 10 minutes.

    If the result is False, no incident may be closed because of its age.
    """
    return clock.jump is None or ticks - clock.jump.ticks >= _SETTLING_TIME


def may_retire(*, clock_stable: bool, uptime: Millis, wall: Millis, newest: Millis | None) -> bool:
    """Return whether the wall clock is reliable enough to delete old callbacks because of their age.

    `newest` is the time at which the newest callback came, or None if there is no callback. `uptime` is how long the
    program has been running.
    """
    if newest is None or not clock_stable or uptime < _SETTLING_TIME:
        return False
    return wall - newest <= _MOST_AHEAD or uptime >= _TRUSTED_UPTIME


def jump_text(clock: ClockState, *, ticks: Millis) -> str | None:
    """Return a sentence about the last jump, or None if there was no jump within the last 24 hours."""
    jump = clock.jump
    if jump is None or ticks - jump.ticks >= _REPORTED_FOR:
        return None
    text = N_(
        "The computer's clock was set back by {duration} (to {time}). Callbacks are kept in the order in which they "
        "came; nothing is closed or deleted by the clock for 10 minutes."
    )
    if jump.by > 0:
        text = N_(
            "The computer's clock was set forward by {duration} (to {time}). Callbacks are kept in the order in which "
            "they came; nothing is closed or deleted by the clock for 10 minutes."
        )
    return Phrase(text, duration=duration_text(abs(jump.by)), time=iso(jump.to))


def behind_text(*, wall: Millis, newest: Millis | None) -> str | None:
    """Return a warning if the wall clock is more than five minutes behind the newest callback, else None."""
    if newest is None or newest > _LATEST_PLAUSIBLE or newest - wall <= _BEHIND_THRESHOLD:
        return None
    return Phrase(
        "the computer's clock is wrong, or was: it says {wall}, but the newest callback came at {newest}, {duration} "
        "later. Set the clock; times shown until then are not right.",
        wall=iso(wall),
        newest=iso(newest),
        duration=duration_text(newest - wall),
    )
