"""When old callbacks may go by themselves. The rule: no clock that may be wrong deletes anything."""

from trayalert.domain.times import Millis

_SETTLING_TIME: Millis = 10 * 60_000
"""After its start a computer may still be told the right time."""

_MOST_AHEAD: Millis = 30 * 86_400_000
_TRUSTED_UPTIME: Millis = 24 * 3_600_000
"""A clock that is so far ahead of the last callback is believed only after the program has run so long."""


def may_retire(*, clock_stable: bool, uptime: Millis, wall: Millis, newest: Millis | None) -> bool:
    """Whether the wall clock can be trusted. `clock_stable`: it did not jump of late; `newest`: the last callback."""
    if newest is None or not clock_stable or uptime < _SETTLING_TIME:
        return False
    return wall - newest <= _MOST_AHEAD or uptime >= _TRUSTED_UPTIME
