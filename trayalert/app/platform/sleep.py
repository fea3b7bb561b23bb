"""Tells when the computer slept, or the program stood still: spans in which no callback could be taken.

Two sources, one word for one span. Where there is logind, it says when a sleep begins and ends. Everywhere a clock that
goes on meanwhile, and that nobody can set, is compared with the pause that was meant; so a freeze is noticed too.
"""

import asyncio
from collections.abc import Callable

from trayalert.app.platform.logind import watch_logind
from trayalert.domain.times import Millis

EVERY: Millis = 10_000
"""Between two looks at the clock."""

LATE: Millis = 10_000
"""So much later than it was to come, a look shows that the program stood still. Less may be a busy computer."""

SHORTEST: Millis = 1_000
"""A sleep that logind announced and that was shorter did not take place."""

OFF: Millis = 60_000
"""So long after logind announced a sleep none has begun: it was called off, and nobody said so."""


class Waking:
    """Calls `slept` with beginning and end of each span, behind it, in milliseconds of the wall clock as it is then.

    `ticks` is a clock that nobody can set: the length is by it, so a wall clock that was set shows no sleep and hides
    none. A freeze begins where the program was last seen alive, which is up to EVERY before.
    """

    def __init__(
        self, *, now: Callable[[], Millis], ticks: Callable[[], Millis], slept: Callable[[Millis, Millis], None]
    ) -> None:
        self._now = now
        self._ticks = ticks
        self._slept = slept
        self._alive = ticks()
        self._went: Millis | None = None

    async def run(self) -> None:
        """Watch for ever."""
        self._alive = self._ticks()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch_logind(self._going, self._back))
            while True:
                await asyncio.sleep(EVERY / 1000)
                self._look()

    def _look(self) -> None:
        """Compare the clock; tell a span that nobody has told yet."""
        ticks = self._ticks()
        if ticks - self._alive > EVERY + LATE:
            self._tell(self._alive if self._went is None else self._went, ticks)
            self._went = None
        elif self._went is not None and ticks - self._went > OFF:
            self._went = None
        self._alive = ticks

    def _going(self) -> None:
        self._look()  # where this is read only after the sleep, the clock tells of it
        self._went = self._alive

    def _back(self) -> None:
        self._look()
        went, self._went = self._went, None
        if went is not None and self._alive - went >= SHORTEST:
            self._tell(went, self._alive)

    def _tell(self, began: Millis, ended: Millis) -> None:
        now = self._now()
        self._slept(now - (ended - began), now)
