"""The inbox is the only way into the log: it parses and stores each callback, then announces the events.

The inbox belongs to the receiver's asyncio event loop (`app/receiver.py`). On that event loop, the inbox calls each
subscriber with each group of events. A subscriber must return quickly, because it blocks the event loop.
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
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.domain.times import Millis, moment_text
from trayalert.listener.limits import LARGEST_SMALL_BODY
from trayalert.listener.refusals import RefusedError, too_much
from trayalert.storage.faults import NotStored
from trayalert.storage.log import Log, LogTiming
from trayalert.storage.writer.appender import Append, CallbackParser
from trayalert.storage.writer.incident_closure import Expire, Resolve
from trayalert.storage.writer.writer import Job, Writer

_TRIM_AFTER = 1.0
"""Seconds to wait after the last large callback before freed memory is returned to the operating system."""
_SWITCH_INTERVAL = 0.0005
"""Python's switch interval while a large callback is parsed on a thread, in seconds.

A short interval lets the event loop run more often. Python's default is 5 ms.
"""

_logger = logging.getLogger(__name__)

Subscriber = Callable[[Sequence[Event]], None]
RunJob = Callable[[Job], tuple[Event, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLimits:
    """How long a callback may wait for the disk, and how many alerts of a large callback one transaction stores."""

    deadline: float = 4.0
    """Maximum number of seconds for storing a callback. A callback that takes longer is refused.

    The sender gives up after 5 s and retries.
    """
    batch_size: int = 32
    """Maximum number of alerts of a large callback that one transaction stores.

    Other callbacks wait until the transaction ends.
    """


class Inbox:
    """The only way into the log. An inbox is created, used and closed on one asyncio event loop.

    `read` parses callbacks. The constructor raises OtherVersion if another version of trayalert made the log. All other
    faults of the log are reported in `log_state`.
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

        If a subscriber raises an exception, the exception is logged, and the remaining subscribers are still called.
        """
        for subscriber in self._subscribers:
            try:
                subscriber(events)
            except Exception:
                _logger.exception("a subscriber failed")

    async def receive(self, callback: Callback) -> bool:
        """Store a callback. Return True after the callback has been written to disk.

        Return False if the callback could not be stored in time. The caller must then refuse the callback, so that the
        sender sends the callback again. Raise RefusedError if a large callback has waited too long for other large
        callbacks. A callback is large if its body exceeds LARGEST_SMALL_BODY.
        """
        if len(callback.body) > LARGEST_SMALL_BODY:
            return await self._receive_large(callback)
        return await self._store(Append(callback, self._read(callback))) is not None

    async def _receive_large(self, callback: Callback) -> bool:
        """Parse and store a large callback. Return whether the callback was stored.

        Parsing a large callback takes a long time and much memory, so large callbacks are parsed one at a time, on a
        thread. Raise RefusedError if other large callbacks keep this callback waiting for longer than the deadline.
        """
        try:
            async with asyncio.timeout(self._limits.deadline):
                await self._large_lock.acquire()
        except TimeoutError:
            text = N_("other large bodies were read before it for more than {seconds:g} s")
            reason = Phrase(text, seconds=self._limits.deadline)
            raise RefusedError(too_much(reason, retry_after=math.ceil(self._limits.deadline))) from None
        try:
            # refuse now, because large callbacks that wait for a faulty disk would use up the memory
            if not self._log.state.storing:
                self._count_refusal(callback, self._refusal_reason or PhraseList(self._log.state.problems))
                return False
            with _short_switch_interval():
                alerts = await asyncio.to_thread(self._read, callback)
                return await self._store_in_batches(callback, alerts)
        finally:
            self._large_lock.release()
            self._trim_soon()

    def _trim_soon(self) -> None:
        """Schedule `_trim_memory` to run in `_TRIM_AFTER` seconds.

        Each further large callback restarts the wait, so memory is returned only after the last of several large
        callbacks.
        """
        loop = asyncio.get_running_loop()
        if self._trim_timer is not None:
            self._trim_timer.cancel()
        self._trim_timer = loop.call_later(_TRIM_AFTER, lambda: loop.run_in_executor(None, _trim_memory))

    async def _store_in_batches(self, callback: Callback, alerts: tuple[Alert, ...]) -> bool:
        """Store a callback with its first alerts, then store the remaining alerts in further transactions.

        Return whether all alerts were stored. If the program is killed between two transactions, the sender gets no 200
        and sends the callback again. The missing alerts are then stored.
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
                    if delivery_id is not None:  # a new file has replaced the log and lacks the first alerts
                        start = 0
                    delivery_id = event.delivery_id
        return True

    async def _store(self, job: Append) -> tuple[Event, ...] | None:
        """Run `job`, which stores a callback. Return the resulting events, or None if the callback was not stored."""
        try:
            events = await self._log.run_job(job)
        except NotStored as fault:
            self._count_refusal(job.callback, str(fault))
            return None
        if self._refusal_reason:
            self._report_refusals()
        return events

    def _count_refusal(self, callback: Callback, reason: str) -> None:
        """Count a callback that was refused because it could not be stored.

        If several callbacks in a row are refused for the same reason, the reason is logged only once.
        """
        if reason != self._refusal_reason:
            _logger.error("a callback was refused: %s", reason)
        self._refusal_reason = reason
        self._refusal_times = [*self._refusal_times[:1], callback.received_at]
        self._refused_count += 1

    def _report_refusals(self) -> None:
        """Report how many callbacks were refused, and when. Called when a callback has been stored after the refusals.

        The user must know about refused callbacks: if the sender does not send a refused callback again, the callback
        is lost.
        """
        now = self._refusal_times[-1]  # storing works again since shortly after this time
        first, last = (moment_text(self._refusal_times[place], now=now) for place in (0, -1))
        if first == last:
            sentence = Phrase.counted(
                "At {time} 1 callback was refused (503), as they could not be stored. Cloud Monitor sends again up to "
                "3 times; look into its alert history for what has not come.",
                "At {time} {count:,} callbacks were refused (503), as they could not be stored. Cloud Monitor sends "
                "again up to 3 times; look into its alert history for what has not come.",
                self._refused_count,
                time=first,
            )
        else:
            sentence = Phrase(
                "Between {first} and {last} {count:,} callbacks were refused (503), as they could not be stored. Cloud "
                "Monitor sends again up to 3 times; look into its alert history for what has not come.",
                first=first,
                last=last,
                count=self._refused_count,
            )
        self.set_news(f"refused {self._refusal_times[0]}", sentence)
        self._refusal_reason, self._refusal_times, self._refused_count = "", [], 0

    @property
    def log_state(self) -> LogState:
        """The current state of the log. Each change of the state is announced as a LogChanged event."""
        return self._log.state

    def set_problem(self, topic: str, sentence: str | None) -> None:
        """Report a problem that a service has with the log, such as a backup that failed.

        `sentence` replaces the previous problem with the same `topic`. If `sentence` is None, the previous problem is
        withdrawn.
        """
        self._log.status.set_problem(topic, sentence)

    def set_news(self, topic: str, sentence: str | None) -> None:
        """Report news about the log, such as the result of a salvage.

        `sentence` replaces the previous news with the same `topic`. If `sentence` is None, the previous news is
        withdrawn.
        """
        self._log.status.set_news(topic, sentence)

    def set_salvaging(self, salvaging: bool) -> None:
        """Report whether a quarantined log is being salvaged."""
        self._log.status.set_salvaging(salvaging)

    async def run_job(self, job: Job) -> tuple[Event, ...]:
        """Run a job on the log's writer. Return the resulting events.

        The job is committed in one transaction with the other jobs that are waiting. Raise NotStored if the job fails
        or is not committed in time.
        """
        return await self._log.run_job(job)

    async def resolve(self, incident_id: int, *, now: Millis) -> bool:
        """Mark an incident as recovered at the user's request. Return False if no open incident has the given id.

        Raise NotStored if the change cannot be stored in time.
        """
        events = await self._log.run_job(Resolve(incident_id, now))
        return any(isinstance(event, IncidentChanged) for event in events)

    async def expire(self, *, now: Millis) -> None:
        """Close all incidents that have expired by the time `now`.

        Raise NotStored if the changes cannot be stored in time.
        """
        await self._log.run_job(Expire(now))

    def verify(self) -> None:
        """Request a verification of the log's file. Called when the file could not be read.

        This method returns immediately, and the verification runs in the background. If the verification finds damage,
        the damage is reported and the log is repaired.
        """
        self._log.verify()

    async def close(self) -> None:
        """Store the callbacks that are still waiting, then close the log."""
        if self._trim_timer is not None:
            self._trim_timer.cancel()
        await self._log.close()


@contextmanager
def _short_switch_interval() -> Iterator[None]:
    """Make Python switch between threads more often until the context exits.

    The event loop then spends less time waiting for a busy thread, at the cost of throughput.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _SWITCH_INTERVAL))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _trim_memory() -> None:
    """Return freed memory to the operating system. By itself, glibc keeps most of the freed memory."""
    import ctypes  # noqa: PLC0415 - most runs never receive a large callback

    with suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def guarded(parse: CallbackParser) -> CallbackParser:
    """Return a parser that works like `parse`, but keeps a callback as unrecognised if `parse` raises an exception."""

    def parse_or_keep_raw(callback: Callback) -> tuple[Alert, ...]:
        try:
            return parse(callback)
        except Exception:  # a bug in trayalert must not lose an alert
            _logger.exception("a callback could not be read; it is kept as unrecognised")
            return keep_raw(callback)

    return parse_or_keep_raw


read = guarded(read_callback)
"""Parses a callback of any kind. If a bug makes the parsing fail, the callback is kept as unrecognised."""


def keep_raw(callback: Callback) -> tuple[Alert, ...]:
    """Return the alert of a callback that is kept as unrecognised, as a tuple with one element.

    Called if the real alerts of the callback cannot be parsed or stored.
    """
    return unrecognised.read(Body(callback=callback, fields={}, document=None))


@contextmanager
def offline_jobs(path: Path) -> Iterator[RunJob]:
    """Open the log and yield a function that runs a job in a transaction of its own.

    For use when no instance is running. The caller must hold the lock of the data dir. Raise LogFault if the log cannot
    be opened. The yielded function raises LogFault if its job fails.
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
    """Mark an incident as recovered. Return whether the incident was open.

    For use when no instance is running. Raise LogFault if the log cannot be opened or the change cannot be stored.
    """
    with offline_jobs(path) as run_job:
        return bool(run_job(Resolve(incident_id, now)))
