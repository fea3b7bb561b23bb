"""Records gaps, and reports what arrives after each gap.

The recorder runs on the receiver's event loop (`app/receiver.py`). If the log cannot store a gap now, the gap is stored
later.

Every minute, the recorder updates the modification time of the file `alive` in the data dir. The next run of the
program uses this time as the end of the previous run. The file is not synced to disk.
"""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trayalert.domain.events import CallbackArrived, Event, GapChanged, IncidentChanged, LogChanged, ReceptionResumed
from trayalert.domain.gap import MIN_GAP, Gap, GapCause, is_announced
from trayalert.domain.incident.incident import Change
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox
from trayalert.storage.faults import LogFault
from trayalert.storage.writer.gap_records import AddGap, EndGaps

_CLOSING_CHANGES = frozenset({Change.RECOVERED, Change.SUPERSEDED, Change.EXPIRED, Change.RESOLVED})

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimeTiming:
    """The recorder's intervals, in seconds."""

    touch_interval: float = 60.0
    """Time between two updates of the modification time of `alive_file`."""
    settling_time: float = 20.0
    """Time from the end of a gap to the report of that gap.

    In this time, Cloud Monitor sends its retries, and a probe ends.
    """


class DowntimeRecorder:
    """Adds each gap to the log. Create the recorder after the log has been opened.

    The modification time of `alive_file` is the latest time at which the program is known to have run.
    """

    def __init__(
        self,
        inbox: Inbox,
        alive_file: Path,
        *,
        now: Callable[[], Millis],
        timing: DowntimeTiming = DowntimeTiming(),
    ) -> None:
        self._inbox = inbox
        self._alive_file = alive_file
        self._now = now
        self._timing = timing
        self._blind = False
        self._pending: deque[AddGap | EndGaps] = deque()
        self._wake = asyncio.Event()
        self._report_tasks: set[asyncio.Task[None]] = set()
        self._record_off()
        inbox.subscribe(self._on_events)

    def record_sleep(self, began_at: Millis, ended_at: Millis) -> None:
        """Record a gap in which the computer slept or the program hung."""
        self._enqueue(AddGap(cause=GapCause.ASLEEP, began_at=began_at, ended_at=ended_at))

    def set_reachability(self, state: ReachabilityState) -> None:
        """Record a change of the reachability.

        A gap begins when trayalert becomes blind, and ends when trayalert is no longer blind.
        """
        blind = state.reach is Reachability.BLIND
        if blind and not self._blind:
            self._enqueue(AddGap(cause=GapCause.BLIND, began_at=state.since or self._now(), why=state.why))
        elif self._blind and not blind:
            self._enqueue(EndGaps(state.since or self._now()))
        self._blind = blind

    def _record_off(self) -> None:
        now = self._now()
        try:
            alive_until = self._alive_file.stat().st_mtime_ns // 1_000_000
        except OSError:
            return  # the first run, or the file cannot be read
        self._enqueue(EndGaps(min(alive_until, now)))  # ends a gap that was open when the last run was killed
        if now - alive_until >= MIN_GAP:
            self._enqueue(AddGap(cause=GapCause.OFF, began_at=alive_until, ended_at=now))

    def _enqueue(self, job: AddGap | EndGaps) -> None:
        self._pending.append(job)
        self._wake.set()

    def _on_events(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, LogChanged) and self._pending:
                self._wake.set()
            if isinstance(event, GapChanged) and _is_reported(event.gap):
                task = asyncio.get_running_loop().create_task(self._report_gap(event.gap))
                self._report_tasks.add(task)
                task.add_done_callback(self._report_tasks.discard)

    async def run(self) -> None:
        """Store gaps in the log and keep `alive_file` up to date, until this coroutine is cancelled."""
        while True:
            self._wake.clear()
            self._touch_alive_file()
            await self._write()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.touch_interval):
                    await self._wake.wait()

    async def close(self) -> None:
        """Cancel pending reports, end the current gap, and update the modification time of `alive_file`."""
        for task in self._report_tasks:
            task.cancel()
        self._enqueue(EndGaps(self._now()))
        await self._write()
        self._touch_alive_file()

    async def _write(self) -> None:
        while self._pending:
            job = self._pending.popleft()  # removed first: the log runs the job even if `_write` is cancelled
            try:
                await self._inbox.run_job(job)
            except LogFault as fault:
                self._pending.appendleft(job)
                _logger.info("a gap is not written yet: %s", fault)
                return

    def _touch_alive_file(self) -> None:
        with contextlib.suppress(OSError):  # a data dir that cannot be written is reported elsewhere
            os.close(os.open(self._alive_file, os.O_CREAT | os.O_WRONLY, 0o600))
            moment = self._now() * 1_000_000
            os.utime(self._alive_file, ns=(moment, moment))

    async def _report_gap(self, gap: Gap) -> None:
        """After `settling_time`, announce a ReceptionResumed event that says what arrived in this time."""
        opened: set[int] = set()
        closed: set[int] = set()
        callbacks = 0

        def on_events(events: Sequence[Event]) -> None:
            nonlocal callbacks
            for event in events:
                if isinstance(event, CallbackArrived):
                    callbacks += 1
                elif isinstance(event, IncidentChanged) and event.change is Change.OPENED:
                    opened.add(event.incident_id)
                elif isinstance(event, IncidentChanged) and event.change in _CLOSING_CHANGES:
                    closed.add(event.incident_id)

        self._inbox.subscribe(on_events)
        try:
            await asyncio.sleep(self._timing.settling_time)
        finally:
            self._inbox.unsubscribe(on_events)
        self._inbox.announce([ReceptionResumed(gap, callbacks, len(opened), len(opened - closed))])


def _is_reported(gap: Gap) -> bool:
    # blind spans are not reported here, because ReachabilityChanged reports them
    return gap.cause is not GapCause.BLIND and is_announced(gap)
