"""Detects spans in which no callback could arrive, because the computer slept or the program was frozen.

A span is detected in two ways, but is reported only once:

- logind announces the beginning and the end of a sleep.
- The program checks, at intervals, a clock that keeps running during sleep. If a check is late, the computer slept or
  the program was frozen.
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
    """The intervals of SleepWatch, in milliseconds."""

    interval: Millis = 10_000
    """Milliseconds between two checks of the clock."""
    lateness: Millis = 10_000
    """A check that is later than this number of milliseconds is reported as a sleep or freeze.

    A shorter delay may have another cause, such as a busy computer.
    """
    called_off_after: Millis = 60_000
    """If an announced sleep does not begin within this number of milliseconds, the sleep counts as cancelled.

    logind sends no signal when a sleep is cancelled.
    """


class SleepWatch:
    """Calls `on_slept` after each sleep or freeze, with the beginning and the end of the span.

    Both times are wall-clock times in milliseconds. The end is the time of the call of `on_slept`. The beginning is the
    end minus the length of the span. The length is measured with `ticks`, a clock that cannot be set. Therefore, a
    change of the wall clock can neither simulate nor hide a sleep.

    The beginning of a freeze is not known exactly: the reported time may be up to one interval too early.

    `watch_signals` calls its first argument before the computer sleeps, and its second argument after the sleep.
    `watch_signals` runs until cancelled.
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
        """Watch for sleeps and freezes until cancelled."""
        self._last_seen = self._ticks()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_signals(self._on_sleep, self._on_wake))
            while True:
                await asyncio.sleep(self._timing.interval / 1000)
                self._check_clock()

    def _check_clock(self) -> None:
        """Check the clock, and report a sleep or freeze if this check is late.

        If an announced sleep has not begun within `called_off_after`, the sleep counts as cancelled.
        """
        ticks = self._ticks()
        if ticks - self._last_seen > self._timing.interval + self._timing.lateness:
            self._report(self._last_seen if self._asleep_since is None else self._asleep_since, ticks)
            self._asleep_since = None
        elif self._asleep_since is not None and ticks - self._asleep_since > self._timing.called_off_after:
            self._asleep_since = None
        self._last_seen = ticks

    def _on_sleep(self) -> None:
        self._check_clock()  # if the signal is read only after the sleep, this check reports the sleep
        self._asleep_since = self._last_seen

    def _on_wake(self) -> None:
        self._check_clock()
        asleep_since, self._asleep_since = self._asleep_since, None
        if asleep_since is not None and self._last_seen - asleep_since >= MIN_GAP:
            self._report(asleep_since, self._last_seen)

    def _report(self, began: Millis, ended: Millis) -> None:
        now = self._now()
        self._on_slept(now - (ended - began), now)
