"""The program's two clocks: the wall clock, and a clock that cannot be set.

This module must not import anything that is slow to load, because every command imports this module.
"""

import sys
import time

from trayalert.domain.times import Millis


def now() -> Millis:
    """Return the wall-clock time, in milliseconds since 1970-01-01 UTC.

    The wall clock may jump, because it can be set.
    """
    return time.time_ns() // 1_000_000


def ticks() -> Millis:
    """Return the reading, in milliseconds, of a clock that cannot be set and that keeps running during sleep.

    A single reading has no meaning: use the difference between two readings. A restart of the computer resets the
    clock.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux, whose monotonic clock stops during sleep
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    if sys.platform == "darwin":  # on macOS CLOCK_MONOTONIC counts sleep, but time.monotonic does not
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000
    return time.monotonic_ns() // 1_000_000
