"""When old callbacks may go by themselves. The rule: no clock that may be wrong deletes anything."""

from dataclasses import dataclass

from trayalert.domain.times import Millis

_SETTLED: Millis = 10 * 60_000
"""After a start or a jump of the clock, a machine may still be told the right time."""

_JUMP: Millis = 60_000
_FAR: Millis = 30 * 86_400_000
_LONG: Millis = 24 * 3_600_000
"""A clock that is so far ahead of the last callback is believed only after the program has run so long."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What was seen of the clock: `started` and `settled` are of a clock that only runs on, `ahead` is the wall's."""

    started: Millis
    settled: Millis
    ahead: Millis


def begin_patience(*, now: Millis, ticks: Millis) -> Patience:
    """Begin to watch. `now` is the wall clock, `ticks` a clock that nobody can set."""
    return Patience(started=ticks, settled=ticks, ahead=now - ticks)


def watch_clock(patience: Patience, *, now: Millis, ticks: Millis) -> Patience:
    """Look at both clocks again: where they have come apart, the wall clock has jumped."""
    jumped = abs(now - ticks - patience.ahead) > _JUMP
    return Patience(patience.started, ticks if jumped else patience.settled, now - ticks)


def may_retire(patience: Patience, *, now: Millis, ticks: Millis, newest: Millis | None) -> bool:
    """Whether the clock can be trusted; `newest` is when the last callback came."""
    if newest is None or ticks - patience.settled < _SETTLED:
        return False
    return now - newest <= _FAR or ticks - patience.started >= _LONG
