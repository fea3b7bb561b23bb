"""The clocks, asked in one place. It imports nothing heavy, as every command does."""

import sys
import time

from trayalert.domain.times import Millis


def now() -> Millis:
    """Return the present moment by the wall clock."""
    return time.time_ns() // 1_000_000


def ticks() -> Millis:
    """Return the time of a clock that nobody can set and that goes on while the computer sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):  # Linux, whose monotonic clock stands still meanwhile
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    if sys.platform == "darwin":  # where Python's own monotonic clock stands still meanwhile, and this one does not
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000
    return time.monotonic_ns() // 1_000_000
