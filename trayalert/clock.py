"""The two clocks of the program: the wall clock and a clock that cannot be set.

Every command imports this module, so the module imports nothing that is slow to load.
"""

import sys
import time

from trayalert.domain.times import Millis


def now() -> Millis:
    """Return the present time of the wall clock, in milliseconds since 1970 in UTC. The clock may jump."""
    return time.time_ns() // 1_000_000


def ticks() -> Millis:
    """Return the milliseconds of a clock that cannot be set and that counts the time during which the computer sleeps.

    Only differences between two results of the same boot are meaningful.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux, whose monotonic clock stops during sleep
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    if sys.platform == "darwin":  # here CLOCK_MONOTONIC counts sleep, and Python's time.monotonic does not
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000
    return time.monotonic_ns() // 1_000_000
