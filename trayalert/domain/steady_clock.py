"""Detects a wall clock that is wrong or that is set while the program runs.

The rule: a wall clock that may be wrong never closes an incident and never deletes a callback. A jump of the wall clock
is detected with a second clock, the steady clock, which cannot be set and which continues while the computer sleeps.
"""

from dataclasses import dataclass

from trayalert.domain.times import Millis, duration_text, iso

_JUMP_THRESHOLD: Millis = 2 * 60_000
"""Minimum size of a jump. Smaller steps are normal, because time synchronisation makes them to keep the clock right."""

_SETTLING_TIME: Millis = 10 * 60_000
"""How long the wall clock is not trusted after a jump or after the program starts, because it may still be set."""

_MOST_AHEAD: Millis = 30 * 86_400_000
_TRUSTED_UPTIME: Millis = 24 * 3_600_000
"""How long the program must run before a clock over _MOST_AHEAD ahead of the newest callback is trusted."""

_BEHIND_THRESHOLD: Millis = 5 * 60_000
_REPORTED_FOR: Millis = 24 * 3_600_000
_LATEST_PLAUSIBLE: Millis = 16_725_225_600_000
"""A time in the year 2500. A later time in the log comes from damage and not from a clock."""


@dataclass(frozen=True, slots=True)
class Jump:
    """One jump of the wall clock."""

    by: Millis
    """How far the wall clock jumped. Negative if it jumped back."""
    to: Millis
    """The time that the wall clock showed after the jump."""
    ticks: Millis
    """The time of the steady clock when the jump was noticed."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """How far the wall clock is `ahead` of the steady clock, and the last jump of the wall clock."""

    ahead: Millis
    jump: Jump | None = None


def observe_clock(clock: ClockState | None, *, wall: Millis, ticks: Millis) -> ClockState:
    """Return the new state after both clocks were read. `clock` is the former state, or None the first time."""
    ahead = wall - ticks
    if clock is None:
        return ClockState(ahead)
    by = ahead - clock.ahead
    return ClockState(ahead, Jump(by, wall, ticks) if abs(by) > _JUMP_THRESHOLD else clock.jump)


def is_stable(clock: ClockState, *, ticks: Millis) -> bool:
    """Return whether the wall clock has not jumped recently, so that incidents may be closed by the wall clock."""
    return clock.jump is None or ticks - clock.jump.ticks >= _SETTLING_TIME


def may_retire(*, clock_stable: bool, uptime: Millis, wall: Millis, newest: Millis | None) -> bool:
    """Return whether old callbacks may be deleted by the wall clock.

    `newest` is when the newest callback came, or None if there is no callback. `uptime` is how long the program has
    run.
    """
    if newest is None or not clock_stable or uptime < _SETTLING_TIME:
        return False
    return wall - newest <= _MOST_AHEAD or uptime >= _TRUSTED_UPTIME


def jump_text(clock: ClockState, *, ticks: Millis) -> str | None:
    """Return a sentence about the last jump, or None if there was no jump within the last 24 hours."""
    jump = clock.jump
    if jump is None or ticks - jump.ticks >= _REPORTED_FOR:
        return None
    where = "forward" if jump.by > 0 else "back"
    return (
        f"The computer's clock was set {where} by {duration_text(abs(jump.by))} (to {iso(jump.to)}). Callbacks are "
        "kept in the order in which they came; nothing is closed or deleted by the clock for 10 minutes."
    )


def behind_text(*, wall: Millis, newest: Millis | None) -> str | None:
    """Return a sentence about a wall clock that is over five minutes behind the newest callback, else None."""
    if newest is None or newest > _LATEST_PLAUSIBLE or newest - wall <= _BEHIND_THRESHOLD:
        return None
    return (
        f"the computer's clock is wrong, or was: it says {iso(wall)}, but the newest callback came at {iso(newest)}, "
        f"{duration_text(newest - wall)} later. Set the clock; times shown until then are not right."
    )
