"""The inbox, the one way into the log. A callback is read, stored, and only then announced.

It lives on the receiver's asyncio loop, and calls its subscribers there for each committed group; they must be quick.
"""

import asyncio
import logging
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from trayalert.callbacks import unrecognised
from trayalert.callbacks.kinds import read_callback
from trayalert.callbacks.parsing.body import Body
from trayalert.domain.callback import Callback
from trayalert.domain.events import CallbackArrived, Event, IncidentChanged
from trayalert.domain.incident.alert import Alert
from trayalert.domain.log_state import LogState
from trayalert.domain.times import Millis, local_text
from trayalert.listener.limits import LARGEST_SMALL_BODY
from trayalert.listener.refusals import RefusedError, too_much
from trayalert.storage.faults import NotStored
from trayalert.storage.log import Log, LogTiming
from trayalert.storage.writer.appender import Append, CallbackParser
from trayalert.storage.writer.incident_closure import Expire, Resolve
from trayalert.storage.writer.writer import Job, Writer

_TRIM_AFTER = 1.0
"""Seconds after the last large callback."""
_SWITCH_INTERVAL = 0.0005
"""Seconds that a thread with a large callback may keep the loop waiting; Python's default is 5 ms."""

_logger = logging.getLogger(__name__)

Subscriber = Callable[[Sequence[Event]], None]
RunJob = Callable[[Job], tuple[Event, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLimits:
    """How long a callback may wait for the disk, and how many of a large one's alerts one transaction stores."""

    deadline: float = 4.0
    """Seconds: the sender gives up after five and sends again."""
    batch_size: int = 32
    """Other callbacks wait for that transaction."""


class Inbox:
    """Made and closed on one asyncio loop. `read` reads a callback. Raise LogFault where the log cannot be opened."""

    def __init__(
        self, path: Path, *, read: CallbackParser = read_callback, limits: InboxLimits = InboxLimits()
    ) -> None:
        self._read = guarded(read)
        self._limits = limits
        self._subscribers: list[Subscriber] = []
        self._refusal_reason = ""
        self._refusal_times: list[Millis] = []
        self._refused_count = 0
        self._large_lock = asyncio.Lock()
        self._trim_timer: asyncio.TimerHandle | None = None
        timing = LogTiming(deadline=limits.deadline)
        self._log = Log(path, read=self._read, keep_raw=keep_raw, announce=self.announce, timing=timing)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with every group of events from now on."""
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Stop calling `subscriber`."""
        self._subscribers = [each for each in self._subscribers if each is not subscriber]

    def announce(self, events: Sequence[Event]) -> None:
        """Call all subscribers; the failure of one is logged and does not affect the others."""
        for subscriber in self._subscribers:
            try:
                subscriber(events)
            except Exception:
                _logger.exception("a subscriber failed")

    async def receive(self, callback: Callback) -> bool:
        """Store a callback. True: it is synced to disk. False: it was not stored in time, and must be sent again."""
        if len(callback.body) > LARGEST_SMALL_BODY:
            return await self._receive_large(callback)
        return await self._store(Append(callback, self._read(callback))) is not None

    async def _receive_large(self, callback: Callback) -> bool:
        """Read large callbacks one at a time in a thread, as reading takes long and much memory.

        Raise RefusedError where too many large callbacks wait.
        """
        try:
            async with asyncio.timeout(self._limits.deadline):
                await self._large_lock.acquire()
        except TimeoutError:
            reason = f"other large bodies were read before it for more than {self._limits.deadline:g} s"
            raise RefusedError(too_much(reason, retry_after=math.ceil(self._limits.deadline))) from None
        try:
            if not self._log.state.storing:  # else callbacks that wait for a hanging disk would add up
                self._count_refusal(callback, self._refusal_reason or " ".join(self._log.state.problems))
                return False
            with _short_switch_interval():
                alerts = await asyncio.to_thread(self._read, callback)
                return await self._store_in_batches(callback, alerts)
        finally:
            self._large_lock.release()
            self._trim_soon()

    def _trim_soon(self) -> None:
        """Return the memory of large callbacks to the system once no more arrive."""
        loop = asyncio.get_running_loop()
        if self._trim_timer is not None:
            self._trim_timer.cancel()
        self._trim_timer = loop.call_later(_TRIM_AFTER, lambda: loop.run_in_executor(None, _trim_memory))

    async def _store_in_batches(self, callback: Callback, alerts: tuple[Alert, ...]) -> bool:
        """Store a callback with its first alerts, then the others; after a cut in between the sender sends it again."""
        delivery_id: int | None = None
        start, size = 0, self._limits.batch_size
        while start < len(alerts):
            events = await self._store(Append(callback, alerts[start : start + size], delivery_id=delivery_id))
            if events is None:
                return False
            start += size
            for event in events:
                if isinstance(event, CallbackArrived):
                    if delivery_id is not None:  # another file has replaced the log, and lacks the first alerts
                        start = 0
                    delivery_id = event.delivery_id
        return True

    async def _store(self, job: Append) -> tuple[Event, ...] | None:
        """Store a callback; return what changed, None where the callback was not stored in time."""
        try:
            events = await self._log.run_job(job)
        except NotStored as fault:
            self._count_refusal(job.callback, str(fault))
            return None
        if self._refusal_reason:
            self._report_refusals()
        return events

    def _count_refusal(self, callback: Callback, reason: str) -> None:
        """Count a callback that was not stored; one line is logged for all that are refused for one reason."""
        if reason != self._refusal_reason:
            _logger.error("a callback was refused: %s", reason)
        self._refusal_reason = reason
        self._refusal_times = [*self._refusal_times[:1], callback.received_at]
        self._refused_count += 1

    def _report_refusals(self) -> None:
        """Report what was refused, once callbacks are stored again: what was not sent again is missing."""
        first, last = (local_text(self._refusal_times[place], "%H:%M") for place in (0, -1))
        when = f"At {first}" if first == last else f"Between {first} and {last}"
        callbacks = "1 callback was" if self._refused_count == 1 else f"{self._refused_count:,} callbacks were"
        self.set_news(
            f"refused {self._refusal_times[0]}",
            f"{when} {callbacks} refused (503), as they could not be stored. Cloud "
            "Monitor sends again up to 3 times; look into its alert history for what has not come.",
        )
        self._refusal_reason, self._refusal_times, self._refused_count = "", [], 0

    @property
    def log_state(self) -> LogState:
        """The state of the log; each change is announced as LogChanged."""
        return self._log.state

    def set_problem(self, topic: str, sentence: str | None) -> None:
        """Report a problem of something that works on the log; None removes it."""
        self._log.status.set_problem(topic, sentence)

    def set_news(self, topic: str, sentence: str | None) -> None:
        """Report what was done to the log; None removes it."""
        self._log.status.set_news(topic, sentence)

    def set_salvaging(self, salvaging: bool) -> None:
        """Report whether a former log is being salvaged."""
        self._log.status.set_salvaging(salvaging)

    async def run_job(self, job: Job) -> tuple[Event, ...]:
        """Do a job of the log's writer in a transaction with what waits beside it. Raise NotStored."""
        return await self._log.run_job(job)

    async def resolve(self, incident_id: int, *, now: Millis) -> bool:
        """Mark an incident recovered by hand; False where no such incident is open. Raise NotStored."""
        events = await self._log.run_job(Resolve(incident_id, now))
        return any(isinstance(event, IncidentChanged) for event in events)

    async def expire(self, *, now: Millis) -> None:
        """Close the incidents whose own time is over. Raise NotStored."""
        await self._log.run_job(Expire(now))

    def verify(self) -> None:
        """Have the log checked, as a reader failed: damage is found, reported and repaired later."""
        self._log.verify()

    async def close(self) -> None:
        """Write what waits, and close the log."""
        if self._trim_timer is not None:
            self._trim_timer.cancel()
        await self._log.close()


@contextmanager
def _short_switch_interval() -> Iterator[None]:
    """Let busy threads keep the loop waiting for less time than by default, at the cost of throughput."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _SWITCH_INTERVAL))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _trim_memory() -> None:
    """Return freed memory to the system: glibc keeps most of it otherwise."""
    import ctypes  # noqa: PLC0415 - most runs never see a large callback

    with suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def guarded(parse: CallbackParser) -> CallbackParser:
    """Return a parser that keeps a callback as unrecognised where a bug prevents `parse` from reading it."""

    def parse_or_keep_raw(callback: Callback) -> tuple[Alert, ...]:
        try:
            return parse(callback)
        except Exception:  # a bug of ours must not cost an alert
            _logger.exception("a callback could not be read; it is kept as unrecognised")
            return keep_raw(callback)

    return parse_or_keep_raw


read = guarded(read_callback)
"""Reads a callback; where a bug prevents that, keeps it as unrecognised."""


def keep_raw(callback: Callback) -> tuple[Alert, ...]:
    """Return the alert of an unrecognised callback, for one whose own alerts cannot be stored."""
    return unrecognised.read(Body(callback=callback, fields={}, document=None))


@contextmanager
def offline_jobs(path: Path) -> Iterator[RunJob]:
    """Open the log while no instance runs, and yield a function that does a job in a transaction of its own.

    The caller holds the instance's lock. Both raise LogFault.
    """
    writer = Writer(path, read=read, keep_raw=keep_raw)

    def run_job(job: Job) -> tuple[Event, ...]:
        (result,) = writer.commit([job])
        if isinstance(result, Exception):
            raise result
        return result

    try:
        yield run_job
    finally:
        writer.close()


def resolve_offline(path: Path, incident_id: int, *, now: Millis) -> bool:
    """Mark an incident recovered while no instance runs. Raise LogFault."""
    with offline_jobs(path) as run_job:
        return bool(run_job(Resolve(incident_id, now)))
