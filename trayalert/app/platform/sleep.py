"""Detects spans in which the computer slept or the program stood still, so that no callback could arrive.

Each span is reported once, although there are two ways to detect it. logind announces the beginning and the end of a
sleep. In addition, a clock that keeps running during a sleep is compared with the intended pause, so that a freeze of
the program is detected too.
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
    """Intervals in milliseconds."""

    interval: Millis = 10_000
    """Milliseconds between two checks of the clock."""
    lateness: Millis = 10_000
    """Milliseconds by which a check may be late.

    If a check is later, the program stood still. A smaller delay may come from a busy computer.
    """
    called_off_after: Millis = 60_000
    """Milliseconds after which an announced sleep that has not begun is taken as cancelled.

    logind has no signal for the cancellation.
    """


class SleepWatch:
    """Calls `on_slept` after each span, with the beginning and the end of the span.

    Beginning and end are in milliseconds of the wall clock as it is set after the span. The length is measured by
    `ticks`, a clock that cannot be set, so that setting the wall clock can neither feign nor hide a sleep. A freeze is
    reported from the last time at which the program was seen running, which is up to one interval too early.
    `watch_signals` calls its first argument when a sleep is announced and its second argument after the sleep, until
    cancelled.
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
        """Watch until cancelled."""
        self._last_seen = self._ticks()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_signals(self._on_sleep, self._on_wake))
            while True:
                await asyncio.sleep(self._timing.interval / 1000)
                self._check_clock()

    def _check_clock(self) -> None:
        """Compare the clock with the time of the last check, and report a span that has not been reported yet."""
        ticks = self._ticks()
        if ticks - self._last_seen > self._timing.interval + self._timing.lateness:
            self._report(self._last_seen if self._asleep_since is None else self._asleep_since, ticks)
            self._asleep_since = None
        elif self._asleep_since is not None and ticks - self._asleep_since > self._timing.called_off_after:
            self._asleep_since = None
        self._last_seen = ticks

    def _on_sleep(self) -> None:
        self._check_clock()  # if the signal is read only after the sleep, the clock shows that sleep
        self._asleep_since = self._last_seen

    def _on_wake(self) -> None:
        self._check_clock()
        asleep_since, self._asleep_since = self._asleep_since, None
        if asleep_since is not None and self._last_seen - asleep_since >= MIN_GAP:
            self._report(asleep_since, self._last_seen)

    def _report(self, began: Millis, ended: Millis) -> None:
        now = self._now()
        self._on_slept(now - (ended - began), now)
