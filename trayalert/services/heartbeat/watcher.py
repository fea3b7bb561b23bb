"""Expecting: opens an incident where an expected callback stays out, and closes it when that comes again.

Its rule: only listening counts. What could not have been heard (the program off, the computer asleep, nothing getting
in) is no silence; and a clock that jumped makes none, as elapsed time is told by one that nobody can set.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from trayalert.callbacks.silence import Status, silence_callback, silence_key
from trayalert.domain.gap import Gap
from trayalert.domain.incident.stored import StoredIncident
from trayalert.domain.settings.expected_callback import Expected
from trayalert.domain.steady_clock import SteadyClock, calm, watch
from trayalert.domain.times import Millis, read_timestamp
from trayalert.services.heartbeat.history import Findings, Known, Memory, look, recall, remember, unheard, untold
from trayalert.services.inbox import Inbox, read
from trayalert.storage.faults import LogFault
from trayalert.storage.reader import Reader
from trayalert.storage.writer.appender import Append

_MINUTE = 60.0
_SETTLED: Millis = 60_000
"""So long after a start, standing still or a log that took nothing, nothing opens: that gap is yet to be noted down."""

_STOOD_STILL: Millis = 180_000
_REMEMBERED: Millis = 3_600_000

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """An expected callback, its silence counted from `begun` on, in ticks, beside what is `settled` from before."""

    expected: Expected
    known: Known
    begun: Millis
    settled: Millis = 0
    silence: Millis = 0
    heard: bool = False
    """Whether it came since its silence was last told."""

    def report(self, came: Millis, *, begun: Millis) -> None:
        """Note a report, if it is later than what is known."""
        if came == self.known.last_at:  # seen already
            return
        later = begun > self.begun
        if later or self.known.last_at is None:
            self.known, self.begun, self.settled = Known(self.known.since, came), begun, 0
        self.heard = self.heard or later  # one that comes out of a former log, older than what is known, is none

    def count(self, gaps: Sequence[Gap], *, now: Millis, ticks: Millis) -> None:
        """Count how long it is silent while we listen."""
        passed = max(0, ticks - self.begun)
        self.silence = self.settled + passed - unheard(gaps, since=now - passed, now=now)

    def settle(self, *, ticks: Millis) -> None:
        """Keep what was counted until then, as the wall clock by which gaps are noted down is another now."""
        if ticks > self.begun:
            self.settled, self.begun = self.silence, ticks


class Expecting:
    """Made and run on the receiver's loop. `now` is the wall clock, `ticks` one that nobody can set.

    `sound`: nothing is wrong with the settings, so that what they do not name is really expected no more.
    """

    def __init__(
        self,
        inbox: Inbox,
        log: Path,
        expected: Sequence[Expected],
        *,
        now: Callable[[], Millis],
        ticks: Callable[[], Millis],
        memory: Memory,
        sound: bool,
        minute: float = _MINUTE,
    ) -> None:
        self._inbox = inbox
        self._log = log
        self._expected = expected
        self._now = now
        self._ticks = ticks
        self._memory = memory
        self._sound = sound
        self._minute = minute
        self._watched: dict[str, _Watched] = {}
        self._seen = 0
        self._repeated_until: Millis = 0
        self._clock: SteadyClock | None = None
        self._looked: tuple[Millis, Millis] | None = None
        self._steady_since = ticks()
        self._remember_at = ticks()
        self._trouble = ""

    async def run(self) -> None:
        """Look each minute, until this is cancelled; once is enough where nothing is expected."""
        while True:
            if await self._guarded() and not self._expected:
                return
            await asyncio.sleep(self._minute)

    async def _guarded(self) -> bool:
        """Whether all was done that there is to do now. A fault is told once, and tried again."""
        try:
            await self._look()
        except LogFault as fault:
            if str(fault) != self._trouble:
                _logger.error("expected callbacks cannot be looked after: %s", fault)
            self._trouble = str(fault)
            return False
        except Exception:  # a bug of ours must not stop the receiver
            _logger.exception("expected callbacks cannot be looked after")
            return False
        self._trouble = ""
        return True

    async def _look(self) -> None:
        now, ticks = self._now(), self._ticks()
        found, newly = await self._find(now, ticks)
        jumped = self._follow_clock(now, ticks)
        for name, came in found.reports.items():
            before = jumped and self._looked is not None and came >= self._looked[0]  # by the clock as it was
            age = 0 if before else max(0, now - came)
            self._watched[name].report(came, begun=ticks - age)
        for one in self._watched.values():
            one.count(found.gaps, now=now, ticks=ticks)
            if newly:
                one.heard = untold(found, one.expected.name, one.known.last_at)
        self._seen, self._repeated_until, self._looked = found.newest, found.repeated_until, (now, ticks)
        await self._remember(ticks)
        log = self._inbox.log_state
        if not log.storing or log.salvaging:  # what came is refused, or not all of it is back
            self._steady_since = ticks
        if log.storing:
            await self._say(found, now, ticks)

    async def _find(self, now: Millis, ticks: Millis) -> tuple[Findings, bool]:
        """Ask the log, in a thread; whether for the first time."""
        newly = self._looked is None
        if newly:
            self._seen, known = await asyncio.to_thread(recall, self._memory, self._expected, now=now)
            self._watched = {
                each.name: _Watched(each, known[each.name], ticks - max(0, now - known[each.name].begun_at))
                for each in self._expected
            }
        longest = max((ticks - one.begun for one in self._watched.values()), default=0)
        return await asyncio.to_thread(self._ask, now - longest), newly

    def _ask(self, gaps_since: Millis) -> Findings:
        with closing(Reader(self._log)) as reader:
            return look(reader, self._expected, seen=self._seen, since=self._repeated_until, gaps_since=gaps_since)

    def _follow_clock(self, now: Millis, ticks: Millis) -> bool:
        """Look at both clocks; whether the wall clock jumped since the last time."""
        before = self._clock
        self._clock = watch(before, wall=now, ticks=ticks)
        if self._looked and ticks - self._looked[1] > _STOOD_STILL:
            self._steady_since = ticks
        if before is None or self._looked is None or self._clock.jump is before.jump:
            return False
        for one in self._watched.values():
            one.settle(ticks=self._looked[1])
        return True

    async def _remember(self, ticks: Millis) -> None:
        if self._expected and ticks >= self._remember_at:
            self._remember_at = ticks + _REMEMBERED
            known = {name: one.known for name, one in self._watched.items()}
            await asyncio.to_thread(remember, self._memory, self._expected, known, seen=self._seen)

    async def _say(self, found: Findings, now: Millis, ticks: Millis) -> None:
        """Say what is to be said. Raise NotStored: it is tried again the next time."""
        assert self._clock is not None  # noqa: S101 - it was looked at
        may_open = calm(self._clock, ticks=ticks) and ticks - self._steady_since >= _SETTLED
        for one in self._watched.values():
            latest = found.latest.get(silence_key(one.expected.name))
            told = latest is not None and latest.incident.ok_at is None
            if told and one.heard:
                await self._tell(one.expected, Status.HEARD, one.known.last_at, latest, now)
            elif not told and may_open and one.silence > one.expected.span:
                one.heard = False
                await self._tell(one.expected, Status.SILENT, one.known.last_at, latest, now)
        for stored in found.open if self._sound else ():
            name, told_then = stored.alert.alert.name or "", stored.alert.alert.fields
            if name not in self._watched:
                expected = Expected(name=name, hours=float(told_then["hours"]))
                await self._tell(expected, Status.DROPPED, read_timestamp(told_then.get("last_at")), stored, now)

    async def _tell(
        self, expected: Expected, status: Status, last_at: Millis | None, latest: StoredIncident | None, now: Millis
    ) -> None:
        """Store it like a callback, behind what was said before: the clock may have been set back since."""
        at = now
        if latest is not None:
            before = latest.incident
            at = max(now, before.last_at + 1, (before.ok_at or 0) + 1, (before.closed_at or 0) + 1)
        callback = silence_callback(expected, status, last_at=last_at, at=at, now=now)
        await self._inbox.do(Append(callback, read(callback)))
