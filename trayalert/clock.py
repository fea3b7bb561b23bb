"""The program's two clocks: the wall clock, and a clock that cannot be set.

Every command imports this module, so it must not import anything that is slow to load.
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
    """Return the reading of a clock that cannot be set and keeps running while the computer sleeps, in milliseconds.

    Only the difference between two readings is meaningful, and only if the computer was not restarted between them.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux, whose monotonic clock stops during sleep
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    if sys.platform == "darwin":  # on macOS CLOCK_MONOTONIC counts sleep, but time.monotonic does not
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000
    return time.monotonic_ns() // 1_000_000
