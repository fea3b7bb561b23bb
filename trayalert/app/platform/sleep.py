"""Detects spans in which the computer slept or the program stood still, so that no callback could arrive.

There are two sources, and each span is reported once. logind announces the beginning and the end of a sleep. A steady
clock, which runs on meanwhile, is compared with the intended pause, so that a freeze is detected too.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from trayalert.app.platform.logind import watch_logind
from trayalert.domain.gap import MIN_GAP
from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepTiming:
    """Milliseconds."""

    interval: Millis = 10_000
    """Between two checks of the clock."""
    lateness: Millis = 10_000
    """A check that is later than this shows that the program stood still. Less may be a busy computer."""
    called_off_after: Millis = 60_000
    """A sleep that has not begun this long after its announcement was cancelled without a signal."""


class SleepWatch:
    """Calls `on_slept` after each span with its beginning and end, in milliseconds of the present wall clock.

    The length is measured by `ticks`, a clock that cannot be set: setting the wall clock neither feigns nor hides a
    sleep. A freeze begins when the program was last seen alive, which is up to an interval earlier. `watch_signals`
    calls its two arguments at the beginning and the end of each announced sleep, for ever.
    """

    def __init__(
        self,
        *,
        now: Callable[[], Millis],
        ticks: Callable[[], Millis],
        on_slept: Callable[[Millis, Millis], None],
        watch_signals: Callable[[Callable[[], None], Callable[[], None]], Coroutine[Any, Any, None]] = watch_logind,
        timing: SleepTiming = SleepTiming(),
    ) -> None:
        self._now = now
        self._ticks = ticks
        self._on_slept = on_slept
        self._watch_signals = watch_signals
        self._timing = timing
        self._last_seen = ticks()
        self._asleep_since: Millis | None = None

    async def run(self) -> None:
        """Watch for ever."""
        self._last_seen = self._ticks()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_signals(self._on_sleep, self._on_wake))
            while True:
                await asyncio.sleep(self._timing.interval / 1000)
                self._check_clock()

    def _check_clock(self) -> None:
        """Compare the clock; report a span that was not reported yet."""
        ticks = self._ticks()
        if ticks - self._last_seen > self._timing.interval + self._timing.lateness:
            self._report(self._last_seen if self._asleep_since is None else self._asleep_since, ticks)
            self._asleep_since = None
        elif self._asleep_since is not None and ticks - self._asleep_since > self._timing.called_off_after:
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
