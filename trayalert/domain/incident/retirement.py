"""When old callbacks may go by themselves. The rule: no clock that may be wrong deletes anything."""

from trayalert.domain.times import Millis

_SETTLED: Millis = 10 * 60_000
"""After its start a computer may still be told the right time."""

_FAR: Millis = 30 * 86_400_000
_LONG: Millis = 24 * 3_600_000
"""A clock that is so far ahead of the last callback is believed only after the program has run so long."""


def may_retire(*, calm: bool, uptime: Millis, wall: Millis, newest: Millis | None) -> bool:
    """Whether the wall clock can be trusted. `calm`: it did not jump of late; `newest`: when the last callback came."""
    if newest is None or not calm or uptime < _SETTLED:
        return False
    return wall - newest <= _FAR or uptime >= _LONG
