"""Detects spans in which the computer slept or the program stood still, so that no callback could arrive.

There are two sources, and each span is reported once. logind announces the beginning and the end of a sleep. A steady
clock, which runs on meanwhile, is compared with the intended pause, so that a freeze is detected too.
"""

import asyncio
from collections.abc import Callable

from trayalert.app.platform.logind import watch_logind
from trayalert.domain.gap import MIN_GAP
from trayalert.domain.times import Millis

INTERVAL: Millis = 10_000
"""Between two checks of the clock."""

LATENESS: Millis = 10_000
"""A check that is later than this shows that the program stood still. Less may be a busy computer."""

CALLED_OFF_AFTER: Millis = 60_000
"""A sleep that has not begun this long after its announcement was cancelled without a signal."""


class SleepWatch:
    """Calls `on_slept` after each span with its beginning and end, in milliseconds of the present wall clock.

    The length is measured by `ticks`, a clock that cannot be set: setting the wall clock neither feigns nor hides a
    sleep. A freeze begins when the program was last seen alive, which is up to INTERVAL earlier.
    """

    def __init__(
        self, *, now: Callable[[], Millis], ticks: Callable[[], Millis], on_slept: Callable[[Millis, Millis], None]
    ) -> None:
        self._now = now
        self._ticks = ticks
        self._on_slept = on_slept
        self._last_seen = ticks()
        self._asleep_since: Millis | None = None

    async def run(self) -> None:
        """Watch for ever."""
        self._last_seen = self._ticks()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch_logind(self._on_sleep, self._on_wake))
            while True:
                await asyncio.sleep(INTERVAL / 1000)
                self._check_clock()

    def _check_clock(self) -> None:
        """Compare the clock; report a span that was not reported yet."""
        ticks = self._ticks()
        if ticks - self._last_seen > INTERVAL + LATENESS:
            self._report(self._last_seen if self._asleep_since is None else self._asleep_since, ticks)
            self._asleep_since = None
        elif self._asleep_since is not None and ticks - self._asleep_since > CALLED_OFF_AFTER:
            self._asleep_since = None
        self._last_seen = ticks

    def _on_sleep(self) -> None:
        self._check_clock()  # if the signal is read only after the sleep, the clock shows the sleep
        self._asleep_since = self._last_seen

    def _on_wake(self) -> None:
        self._check_clock()
        asleep_since, self._asleep_since = self._asleep_since, None
        if asleep_since is not None and self._last_seen - asleep_since >= MIN_GAP:
            self._report(asleep_since, self._last_seen)

    def _report(self, began: Millis, ended: Millis) -> None:
        now = self._now()
        self._on_slept(now - (ended - began), now)
