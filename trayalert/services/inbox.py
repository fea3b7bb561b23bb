"""The inbox, the one way into the log. A callback is parsed, stored, and only then announced.

The inbox belongs to the receiver's asyncio loop. The inbox calls its subscribers on that loop, once for each group of
events; subscribers must return quickly.
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
"""Seconds after the last large callback until freed memory is returned to the system."""
_SWITCH_INTERVAL = 0.0005
"""Seconds for which the thread that parses a large callback may keep the GIL from the event loop.

Python's default is 5 ms.
"""

_logger = logging.getLogger(__name__)

Subscriber = Callable[[Sequence[Event]], None]
RunJob = Callable[[Job], tuple[Event, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLimits:
    """How long a callback may wait for the disk, and how many alerts of a large callback one transaction stores."""

    deadline: float = 4.0
    """Seconds after which a callback that is not stored is refused. The sender gives up after 5 s and retries."""
    batch_size: int = 32
    """Number of alerts of a large callback in one transaction. Other callbacks wait until that transaction ends."""


class Inbox:
    """The one way into the log. An inbox is created, used and closed on one asyncio loop.

    `read` parses callbacks. Raise OtherVersion if another version of trayalert has made the log; all other faults of
    the log are reported in `log_state`.
    """

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
        """Call all subscribers with a group of events.

        An exception of one subscriber is logged and does not affect other subscribers.
        """
        for subscriber in self._subscribers:
            try:
                subscriber(events)
            except Exception:
                _logger.exception("a subscriber failed")

    async def receive(self, callback: Callback) -> bool:
        """Store a callback, and return whether it is safe on disk.

        Return False if the callback could not be stored in time, so that the sender must send the callback again. Raise
        RefusedError if the callback is large and too many large callbacks are waiting.
        """
        if len(callback.body) > LARGEST_SMALL_BODY:
            return await self._receive_large(callback)
        return await self._store(Append(callback, self._read(callback))) is not None

    async def _receive_large(self, callback: Callback) -> bool:
        """Parse and store a large callback.

        Large callbacks are parsed one at a time and in a thread, because parsing takes long and needs much memory.
        Raise RefusedError if other large callbacks keep this callback waiting for longer than the deadline.
        """
        try:
            async with asyncio.timeout(self._limits.deadline):
                await self._large_lock.acquire()
        except TimeoutError:
            reason = f"other large bodies were read before it for more than {self._limits.deadline:g} s"
            raise RefusedError(too_much(reason, retry_after=math.ceil(self._limits.deadline))) from None
        try:
            # refused early: callbacks that wait for a hanging disk would use up the memory
            if not self._log.state.storing:
                self._count_refusal(callback, self._refusal_reason or " ".join(self._log.state.problems))
                return False
            with _short_switch_interval():
                alerts = await asyncio.to_thread(self._read, callback)
                return await self._store_in_batches(callback, alerts)
        finally:
            self._large_lock.release()
            self._trim_soon()

    def _trim_soon(self) -> None:
        """Return the memory of large callbacks to the system, once no more of them arrive."""
        loop = asyncio.get_running_loop()
        if self._trim_timer is not None:
            self._trim_timer.cancel()
        self._trim_timer = loop.call_later(_TRIM_AFTER, lambda: loop.run_in_executor(None, _trim_memory))

    async def _store_in_batches(self, callback: Callback, alerts: tuple[Alert, ...]) -> bool:
        """Store a callback with its first alerts, then its other alerts in further transactions.

        If the program is killed in between, the sender gets no 200 and sends the callback again, which adds what is
        missing.
        """
        delivery_id: int | None = None
        start, size = 0, self._limits.batch_size
        while start < len(alerts):
            events = await self._store(Append(callback, alerts[start : start + size], delivery_id=delivery_id))
            if events is None:
                return False
            start += size
            for event in events:
                if isinstance(event, CallbackArrived):
                    if delivery_id is not None:  # a new file has replaced the log, and lacks the first alerts
                        start = 0
                    delivery_id = event.delivery_id
        return True

    async def _store(self, job: Append) -> tuple[Event, ...] | None:
        """Store a callback, and return the events that describe what changed, or None if it was not stored in time."""
        try:
            events = await self._log.run_job(job)
        except NotStored as fault:
            self._count_refusal(job.callback, str(fault))
            return None
        if self._refusal_reason:
            self._report_refusals()
        return events

    def _count_refusal(self, callback: Callback, reason: str) -> None:
        """Count a callback that was not stored. Refusals with the same reason are logged only once."""
        if reason != self._refusal_reason:
            _logger.error("a callback was refused: %s", reason)
        self._refusal_reason = reason
        self._refusal_times = [*self._refusal_times[:1], callback.received_at]
        self._refused_count += 1

    def _report_refusals(self) -> None:
        """Report which callbacks were refused, now that callbacks can be stored again.

        The user must know about refused callbacks, because a refused callback that its sender does not send again is
        lost.
        """
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
        """The state of the log. Each change is announced as LogChanged."""
        return self._log.state

    def set_problem(self, topic: str, sentence: str | None) -> None:
        """Report a problem of a service that works on the log, such as backups.

        `sentence` replaces the last report with the same `topic`; None withdraws that report.
        """
        self._log.status.set_problem(topic, sentence)

    def set_news(self, topic: str, sentence: str | None) -> None:
        """Report something that was done to the log.

        `sentence` replaces the last report with the same `topic`; None withdraws that report.
        """
        self._log.status.set_news(topic, sentence)

    def set_salvaging(self, salvaging: bool) -> None:
        """Report whether a quarantined log is being salvaged."""
        self._log.status.set_salvaging(salvaging)

    async def run_job(self, job: Job) -> tuple[Event, ...]:
        """Run a job on the log's writer, in one transaction with the other jobs that wait. Raise NotStored."""
        return await self._log.run_job(job)

    async def resolve(self, incident_id: int, *, now: Millis) -> bool:
        """Mark an incident recovered at the user's request. Raise NotStored.

        Return False if no incident with that id is open.
        """
        events = await self._log.run_job(Resolve(incident_id, now))
        return any(isinstance(event, IncidentChanged) for event in events)

    async def expire(self, *, now: Millis) -> None:
        """Close the incidents that have expired at `now`. Raise NotStored."""
        await self._log.run_job(Expire(now))

    def verify(self) -> None:
        """Have the log's file verified, because reading it has failed.

        The verification runs in the background. Damage is reported, and the log is repaired, after this call has
        returned.
        """
        self._log.verify()

    async def close(self) -> None:
        """Store the callbacks that are still waiting, then close the log."""
        if self._trim_timer is not None:
            self._trim_timer.cancel()
        await self._log.close()


@contextmanager
def _short_switch_interval() -> Iterator[None]:
    """Make Python switch threads more often while the context is open.

    The event loop then waits for a shorter time for a thread that is busy, at the cost of throughput.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _SWITCH_INTERVAL))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _trim_memory() -> None:
    """Return freed memory to the system, because glibc by itself keeps most of the memory."""
    import ctypes  # noqa: PLC0415 - most runs never receive a large callback

    with suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def guarded(parse: CallbackParser) -> CallbackParser:
    """Return a parser that keeps a callback as unrecognised if `parse` raises."""

    def parse_or_keep_raw(callback: Callback) -> tuple[Alert, ...]:
        try:
            return parse(callback)
        except Exception:  # a bug in trayalert must not lose an alert
            _logger.exception("a callback could not be read; it is kept as unrecognised")
            return keep_raw(callback)

    return parse_or_keep_raw


read = guarded(read_callback)
"""Parses a callback of any kind. A callback that a bug prevents from being parsed is kept as unrecognised."""


def keep_raw(callback: Callback) -> tuple[Alert, ...]:
    """Return the one alert of a callback that is kept as unrecognised.

    Called if the alerts of the callback cannot be parsed or stored.
    """
    return unrecognised.read(Body(callback=callback, fields={}, document=None))


@contextmanager
def offline_jobs(path: Path) -> Iterator[RunJob]:
    """Open the log while no instance runs, and yield a function that runs a job in a transaction of its own.

    The caller must hold the lock of the data dir. Raise LogFault if the log cannot be opened. Each job may raise
    LogFault, too.
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
    """Mark an incident recovered while no instance runs, and return whether it was open. Raise LogFault."""
    with offline_jobs(path) as run_job:
        return bool(run_job(Resolve(incident_id, now)))
