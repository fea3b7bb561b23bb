"""Gapkeeping: writes down the spans in which no callback could arrive, and tells what came after them.

Lives on the receiver's loop. What the log cannot store now is stored later. Between two runs a file's time tells until
when the program lived: it is touched each minute, and costs no sync.
"""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from trayalert.domain.events import CallbackArrived, Event, GapChanged, IncidentChanged, LogChanged, Returned
from trayalert.domain.gap import Cause, Gap
from trayalert.domain.incident.incident import Change
from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox
from trayalert.storage.faults import LogFault
from trayalert.storage.writer.gap_records import AddGap, EndGaps

_MINUTE = 60.0
SHORTEST: Millis = 1000
"""What is shorter is how long a restart takes."""
WORTH_TELLING: Millis = 30_000
SETTLES = 20.0
"""Seconds after a gap within which what Cloud Monitor sends again, and the first probe, have come."""

_logger = logging.getLogger(__name__)


class Gapkeeping:
    """Made once the log is open. `alive` is the file whose time tells until when the program lived."""

    def __init__(
        self,
        inbox: Inbox,
        alive: Path,
        *,
        now: Callable[[], Millis],
        minute: float = _MINUTE,
        settles: float = SETTLES,
    ) -> None:
        self._inbox = inbox
        self._alive = alive
        self._now = now
        self._minute = minute
        self._settles = settles
        self._blind = False
        self._waiting: deque[AddGap | EndGaps] = deque()
        self._wake = asyncio.Event()
        self._telling: set[asyncio.Task[None]] = set()
        self._note_being_off()
        inbox.subscribe(self._hear)

    # what happens

    def slept(self, began_at: Millis, ended_at: Millis) -> None:
        """Note that the computer slept, or the program stood still."""
        self._note(AddGap(cause=Cause.ASLEEP, began_at=began_at, ended_at=ended_at))

    def reach_is(self, state: ReachState) -> None:
        """Hear of reach: being blind is a gap."""
        blind = state.reach is Reach.BLIND
        if blind and not self._blind:
            self._note(AddGap(cause=Cause.BLIND, began_at=state.since or self._now(), why=state.why))
        elif self._blind and not blind:
            self._note(EndGaps(state.since or self._now()))
        self._blind = blind

    def _note_being_off(self) -> None:
        now = self._now()
        try:
            lived_until = self._alive.stat().st_mtime_ns // 1_000_000
        except OSError:
            return  # the first run, or nothing that could be known
        self._note(EndGaps(min(lived_until, now)))  # one that was left open by a kill
        if now - lived_until >= SHORTEST:
            self._note(AddGap(cause=Cause.OFF, began_at=lived_until, ended_at=now))

    def _note(self, job: AddGap | EndGaps) -> None:
        self._waiting.append(job)
        self._wake.set()

    def _hear(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, LogChanged) and self._waiting:
                self._wake.set()
            if isinstance(event, GapChanged) and _worth_telling(event.gap):
                task = asyncio.get_running_loop().create_task(self._tell(event.gap))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

    # writing

    async def run(self) -> None:
        """Write until this is cancelled."""
        while True:
            self._wake.clear()
            self._live()
            await self._write()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._minute):
                    await self._wake.wait()

    async def close(self) -> None:
        """End in good order: what is open ends now, and the time is noted."""
        for task in self._telling:
            task.cancel()
        self._note(EndGaps(self._now()))
        await self._write()
        self._live()

    async def _write(self) -> None:
        while self._waiting:
            job = self._waiting.popleft()  # before: where this is cancelled meanwhile, the log does it all the same
            try:
                await self._inbox.do(job)
            except LogFault as fault:
                self._waiting.appendleft(job)
                _logger.info("a gap is not written yet: %s", fault)
                return

    def _live(self) -> None:
        with contextlib.suppress(OSError):  # a folder that cannot be written is told by others
            os.close(os.open(self._alive, os.O_CREAT | os.O_WRONLY, 0o600))
            moment = self._now() * 1_000_000
            os.utime(self._alive, ns=(moment, moment))

    # telling

    async def _tell(self, gap: Gap) -> None:
        """Tell once what came since a gap."""
        opened: set[int] = set()
        over: set[int] = set()
        callbacks = 0

        def hear(events: Sequence[Event]) -> None:
            nonlocal callbacks
            for event in events:
                if isinstance(event, CallbackArrived):
                    callbacks += 1
                elif isinstance(event, IncidentChanged) and event.change is Change.OPENED:
                    opened.add(event.incident_id)
                elif isinstance(event, IncidentChanged) and event.change in _OVER:
                    over.add(event.incident_id)

        self._inbox.subscribe(hear)
        try:
            await asyncio.sleep(self._settles)
        finally:
            self._inbox.unsubscribe(hear)
        self._inbox.announce([Returned(gap, callbacks, len(opened), len(opened - over))])


_OVER = frozenset({Change.RECOVERED, Change.SUPERSEDED, Change.EXPIRED, Change.RESOLVED})


def _worth_telling(gap: Gap) -> bool:
    if gap.ended_at is None or gap.cause is Cause.BLIND:  # of being blind reach tells by itself
        return False
    return gap.ended_at - gap.began_at >= WORTH_TELLING
