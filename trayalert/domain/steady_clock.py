"""The wall clock may be wrong, or be set while the program runs. The rule: no such clock closes or deletes anything.

A jump is seen against a second clock that nobody can set and that goes on while the computer sleeps.
"""

from dataclasses import dataclass

from trayalert.domain.times import Millis, duration_text, iso

_JUMP_THRESHOLD: Millis = 2 * 60_000
"""Smaller steps are how a clock is kept right."""

_SETTLING_TIME: Millis = 10 * 60_000
"""For so long after a jump, or after the start of the computer, the wall clock may still be set."""

_MOST_AHEAD: Millis = 30 * 86_400_000
_TRUSTED_UPTIME: Millis = 24 * 3_600_000
"""A clock that is more than _MOST_AHEAD ahead of the last callback is believed only after so long an uptime."""

_BEHIND_THRESHOLD: Millis = 5 * 60_000
_REPORTED_FOR: Millis = 24 * 3_600_000
_LATEST_PLAUSIBLE: Millis = 16_725_225_600_000
"""In the year 2500: a later moment is damage, not a clock."""


@dataclass(frozen=True, slots=True)
class Jump:
    """The wall clock jumped by `by` (back: negative) to `to`, at `ticks` of the steady clock."""

    by: Millis
    to: Millis
    ticks: Millis


@dataclass(frozen=True, slots=True)
class ClockState:
    """How far the wall clock is `ahead` of the steady one, and its last jump."""

    ahead: Millis
    jump: Jump | None = None


def observe_clock(clock: ClockState | None, *, wall: Millis, ticks: Millis) -> ClockState:
    """Return the state after a look at both clocks; `clock` is None the first time."""
    ahead = wall - ticks
    if clock is None:
        return ClockState(ahead)
    by = ahead - clock.ahead
    return ClockState(ahead, Jump(by, wall, ticks) if abs(by) > _JUMP_THRESHOLD else clock.jump)


def is_stable(clock: ClockState, *, ticks: Millis) -> bool:
    """Whether the wall clock has not jumped of late, so that incidents may be closed by it."""
    return clock.jump is None or ticks - clock.jump.ticks >= _SETTLING_TIME


def may_retire(*, clock_stable: bool, uptime: Millis, wall: Millis, newest: Millis | None) -> bool:
    """Whether old callbacks may be deleted by the wall clock. `newest` is when the last callback came."""
    if newest is None or not clock_stable or uptime < _SETTLING_TIME:
        return False
    return wall - newest <= _MOST_AHEAD or uptime >= _TRUSTED_UPTIME


def jump_text(clock: ClockState, *, ticks: Millis) -> str | None:
    """Return the sentence about the last jump for a day, then None."""
    jump = clock.jump
    if jump is None or ticks - jump.ticks >= _REPORTED_FOR:
        return None
    where = "forward" if jump.by > 0 else "back"
    return (
        f"The computer's clock was set {where} by {duration_text(abs(jump.by))} (to {iso(jump.to)}). Callbacks are "
        "kept in the order in which they came; nothing is closed or deleted by the clock for 10 minutes."
    )


def behind_text(*, wall: Millis, newest: Millis | None) -> str | None:
    """Return the sentence about a clock that is behind the newest callback, else None."""
    if newest is None or newest > _LATEST_PLAUSIBLE or newest - wall <= _BEHIND_THRESHOLD:
        return None
    return (
        f"the computer's clock is wrong, or was: it says {iso(wall)}, but the newest callback came at {iso(newest)}, "
        f"{duration_text(newest - wall)} later. Set the clock; times shown until then are not right."
    )
