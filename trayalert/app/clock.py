"""The wall clock, asked in one place. It imports nothing heavy, as every command does."""

import time

from trayalert.domain.times import Millis


def now() -> Millis:
    """Return the present moment by the wall clock."""
    return time.time_ns() // 1_000_000
