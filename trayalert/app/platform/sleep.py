"""Tells when the computer slept, or the program stood still: spans in which no callback could be taken.

Two sources, one word for one span. Where there is logind, it says when a sleep begins and ends. Everywhere a clock that
goes on meanwhile, and that nobody can set, is compared with the pause that was meant; so a freeze is noticed too.
"""

import asyncio
from collections.abc import Callable

from trayalert.app.platform.logind import watch_logind
from trayalert.domain.times import Millis

INTERVAL: Millis = 10_000
"""Between two looks at the clock."""

LATENESS: Millis = 10_000
"""So much later than it was to come, a look shows that the program stood still. Less may be a busy computer."""

SHORTEST_SLEEP: Millis = 1_000
"""A sleep that logind announced and that was shorter did not take place."""

CALLED_OFF_AFTER: Millis = 60_000
"""So long after logind announced a sleep none has begun: it was called off, and nobody said so."""


class SleepWatch:
    """Calls `on_slept` with beginning and end of each span, behind it, in milliseconds of the wall clock as it is then.

    `ticks` is a clock that nobody can set: the length is by it, so a wall clock that was set shows no sleep and hides
    none. A freeze begins where the program was last seen alive, which is up to INTERVAL before.
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
        """Compare the clock; tell a span that nobody has told yet."""
        ticks = self._ticks()
        if ticks - self._last_seen > INTERVAL + LATENESS:
            self._report(self._last_seen if self._asleep_since is None else self._asleep_since, ticks)
            self._asleep_since = None
        elif self._asleep_since is not None and ticks - self._asleep_since > CALLED_OFF_AFTER:
            self._asleep_since = None
        self._last_seen = ticks

    def _on_sleep(self) -> None:
        self._check_clock()  # where this is read only after the sleep, the clock tells of it
        self._asleep_since = self._last_seen

    def _on_wake(self) -> None:
        self._check_clock()
        asleep_since, self._asleep_since = self._asleep_since, None
        if asleep_since is not None and self._last_seen - asleep_since >= SHORTEST_SLEEP:
            self._report(asleep_since, self._last_seen)

    def _report(self, began: Millis, ended: Millis) -> None:
        now = self._now()
        self._on_slept(now - (ended - began), now)
