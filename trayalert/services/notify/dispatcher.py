"""Passes events to each channel's policy and passes the policy's requests on to that channel.

The dispatcher runs on the receiver's event loop (`app/receiver.py`), both in the tray application and under `trayalert
serve`. The dispatcher does not use Qt. A channel that hangs or fails must not delay callbacks or other channels.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, get_args

from trayalert.domain.events import Event, IncidentChanged, ProgramEvent
from trayalert.domain.fault import Fault
from trayalert.domain.incident.incident import Incident
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, WithdrawNotification
from trayalert.domain.times import Millis
from trayalert.services.notify.notification_queue import NotificationQueue
from trayalert.services.notify.notification_writer import NotificationWriter
from trayalert.services.notify.policy import NotificationPolicy
from trayalert.services.notify.policy_requests import PolicyRequest, ShowSummary
from trayalert.services.notify.rules import NEVER_NOTIFIED

_ABOUT_PROGRAM = get_args(ProgramEvent)

_MANY = 20
"""Number of waiting changes above which `flood_interval` applies instead of `batch_interval`."""
_MOST_AT_ONCE = 1000
"""Maximum number of changes in one query. A policy decides on 1000 changes in 4 ms."""
_CLOSE_DEADLINE = 1.0
"""Maximum wait of `close` for pending requests, in seconds.

`close` then waits for the channels' tasks to end, with the same maximum.
"""

_logger = logging.getLogger(__name__)

_Question = Callable[[NotificationPolicy], Iterable[PolicyRequest]]


class IncidentLookup(Protocol):
    """Looks up the current state of incidents in the log.

    Each method returns None if the log cannot be read now. The dispatcher may repeat the query later.
    """

    async def states(self, ids: Sequence[int]) -> Sequence[Incident] | None:
        """Return the incidents with the given ids, without their alerts. The policy does not need the alerts."""

    async def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return the incidents with the given ids, each with its latest alert.

        The text of a notification needs the alert.
        """


class Channel(Protocol):
    """Shows notifications in one place, such as the desktop. A channel is used only on the dispatcher's event loop."""

    @property
    def name(self) -> str:
        """The channel's name in the program log."""

    async def carry_out(self, request: NotificationRequest) -> None:
        """Show or withdraw a notification, without blocking the event loop.

        The dispatcher sends the next request only after this method has returned. Until then, requests for the channel
        wait. A new request replaces a waiting request with the same tag. While too many requests wait, the channel
        counts as unavailable. A request may withdraw a notification that was never shown.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherTiming:
    """The dispatcher's intervals, in seconds."""

    batch_interval: float = 0.05
    """Minimum number of seconds between two queries for changed incidents."""
    flood_interval: float = 0.25
    """Minimum number of seconds between two queries while many incidents change.

    While many incidents change, most of these incidents are shown only in the summary. A delay then does little harm.
    """
    retry_interval: float = 1.0
    """Seconds to wait before a failed query is repeated. A query fails if the log cannot be read."""
    longest_timer: float = 3600.0
    """Maximum number of seconds for which a timer is set.

    A longer wait is split into several timers, because the wall clock may jump during the wait.
    """


class NotificationDispatcher:
    """Serves the attached channels, each with its own policy.

    All methods must be called on the event loop on which the dispatcher was created. If `lookup` or a channel raises an
    exception, the exception is logged.
    """

    def __init__(
        self,
        *,
        lookup: IncidentLookup,
        writer: NotificationWriter,
        now: Callable[[], Millis],
        timing: DispatcherTiming | None = None,
    ) -> None:
        self._lookup = lookup
        self._writer = writer
        self._now = now
        self._timing = timing or DispatcherTiming()
        self._loop = asyncio.get_running_loop()
        self._outlets: list[_Outlet] = []
        self._pending: dict[IncidentChanged, None] = {}
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flush_task: asyncio.Task[None] | None = None
        self._next_flush_at = float("-inf")
        self._paused_until: Millis | None = None

    def attach(self, channel: Channel, present: Iterable[ProgramEvent], *, available: bool) -> None:
        """Serve a channel from now on.

        `available` says whether the channel can show notifications now. If the channel becomes available later, one
        summary shows the incidents that are waiting. `present` are events that describe the current state of the
        program.
        """
        outlet = _Outlet(channel, self._write, available=available, now=self._now, timing=self._timing)
        self._outlets.append(outlet)
        outlet.pause(self._paused_until)
        for event in present:
            outlet.on_program_event(event)

    def set_available(self, channel: Channel, available: bool) -> None:
        """Record whether a channel is able to show notifications."""
        for outlet in self._outlets:
            if outlet.channel is channel:
                outlet.set_available(available)

    def on_events(self, events: Sequence[Event]) -> None:
        """Process a group of events. This method never blocks and never raises an exception."""
        for event in events:
            if isinstance(event, IncidentChanged):
                if event.change not in NEVER_NOTIFIED:
                    self._pending[event] = None
            elif isinstance(event, _ABOUT_PROGRAM):
                for outlet in self._outlets:
                    outlet.on_program_event(event)
        self._flush_soon()

    def notify(self, notification: Notification) -> None:
        """Show a notification about the program on each channel as soon as the channel can show notifications."""
        for outlet in self._outlets:
            outlet.ask(lambda policy: policy.notify(notification, now=self._now()))

    def pause(self, until: Millis | None) -> None:
        """Show no notifications until the time `until`. If `until` is None, end the pause."""
        self._paused_until = until
        for outlet in self._outlets:
            outlet.pause(until)

    def mark_seen(self) -> None:
        """Discard all notifications that are waiting to be shown, because the user has looked at the window."""
        for outlet in self._outlets:
            outlet.mark_seen()

    async def close(self) -> None:
        """Give the channels up to a second to carry out pending requests, then stop serving the channels."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_DEADLINE):
                if self._flush_task:
                    await self._flush_task
                if self._pending:
                    await self._flush()
                for outlet in self._outlets:
                    await outlet.idle.wait()
        if self._flush_timer:
            self._flush_timer.cancel()
        ending = [outlet.stop() for outlet in self._outlets]
        self._outlets = []
        if ending:
            await asyncio.wait(ending, timeout=_CLOSE_DEADLINE)

    def _flush_soon(self, delay: float = 0.0) -> None:
        """Schedule a query for the changed incidents, unless a query is already scheduled or running.

        The query starts after `delay` seconds. If the minimum interval between two queries has not passed by then, the
        query starts at the end of that interval.
        """
        if self._pending and self._flush_timer is None and self._flush_task is None:
            due = max(self._loop.time() + delay, self._next_flush_at)
            self._flush_timer = self._loop.call_at(due, self._start_flush)

    def _start_flush(self) -> None:
        self._flush_timer = None
        flood = len(self._pending) > _MANY
        self._next_flush_at = self._loop.time() + (
            self._timing.flood_interval if flood else self._timing.batch_interval
        )
        self._flush_task = self._loop.create_task(self._flush())

    async def _flush(self) -> None:
        changed = dict(islice(self._pending.items(), _MOST_AT_ONCE))
        for event in changed:
            del self._pending[event]
        try:
            incidents = await self._lookup.states(list({event.incident_id for event in changed}))
        except Exception:  # a bug in trayalert must not lose a notification: the query is repeated
            _logger.exception("the changed incidents could not be queried")
            incidents = None
        self._flush_task = None
        if incidents is None:
            self._pending = changed | self._pending
            self._flush_soon(self._timing.retry_interval)
            return
        for outlet in self._outlets:
            outlet.ask(lambda policy: policy.on_incidents_changed(changed, incidents, now=self._now()))
        self._flush_soon()

    async def _write(self, request: PolicyRequest) -> NotificationRequest | None:
        """Turn a policy's request into a request for the channel.

        Return None if the incident to be shown is no longer open. If the log cannot be read, write a summary without
        the names of its incidents, and raise `_UnreadableLogError` for any other request about incidents.
        """
        if isinstance(request, ShowNotification | WithdrawNotification):
            return self._writer.write(request, (), now=self._now())
        try:
            incidents = await self._lookup.incidents(request.incident_ids)
        except Exception:  # a bug in trayalert, or no thread can be started: handled like an unreadable log
            _logger.exception("the incidents of a notification could not be queried")
            incidents = None
        if incidents is None:
            if not isinstance(request, ShowSummary):
                raise _UnreadableLogError
            incidents = ()  # a summary is useful even without the names of its incidents
        return self._writer.write(request, incidents, now=self._now())


class _UnreadableLogError(Exception):
    """Raised if a notification cannot be written now because the log cannot be read."""


_MOST_WAITING = 20
"""Number of requests that may wait for a channel. If more are waiting, the channel counts as unavailable."""


class _Outlet:
    """A channel with its policy, and the task that passes the policy's requests to the channel one at a time."""

    def __init__(
        self,
        channel: Channel,
        write: Callable[[PolicyRequest], Awaitable[NotificationRequest | None]],
        *,
        available: bool,
        now: Callable[[], Millis],
        timing: DispatcherTiming,
    ) -> None:
        self.channel = channel
        self._write = write
        self._policy = NotificationPolicy()
        self._available = available
        self._congested = False
        self._last_error = ""
        self._now = now
        self._timing = timing
        self._queue = NotificationQueue[PolicyRequest]()
        self.idle = asyncio.Event()
        """Set while no request is waiting or being carried out."""
        self.idle.set()
        self._wakeup = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._carry_out_all(), name=f"channel {channel.name}")
        self._update_availability()

    def ask(self, question: _Question) -> None:
        """Call `question` with the policy and queue the requests that `question` returns."""
        try:
            requests = question(self._policy)
        except Exception:  # a bug in trayalert must not stop the receiver
            _logger.exception("the notifications of %s could not be decided", self.channel.name)
            return
        for request in requests:
            self._queue.put(request)
            self.idle.clear()
            self._wakeup.set()
        if not self._congested and len(self._queue) > _MOST_WAITING:
            _logger.warning("%s does not keep up: notifications are held for a summary", self.channel.name)
            self._congested = True
            self._update_availability()
        self._start_timer()

    def on_program_event(self, event: ProgramEvent) -> None:
        """Pass an event about the program itself to the policy."""
        self.ask(lambda policy: policy.on_program_event(event, now=self._now()))

    def pause(self, until: Millis | None) -> None:
        """Show no notifications until the time `until`. If `until` is None, end the pause."""
        self.ask(lambda policy: policy.pause(until, now=self._now()))

    def set_available(self, available: bool) -> None:
        """Set whether the channel is able to show notifications."""
        self._available = available
        self._update_availability()

    def mark_seen(self) -> None:
        """Discard all notifications that are waiting to be shown."""
        self._policy.on_window_seen()

    def stop(self) -> "asyncio.Task[None]":
        """Cancel the task that carries out requests. Return the task, so that the caller can wait for its end."""
        if self._timer:
            self._timer.cancel()
        self._task.cancel()
        return self._task

    def _update_availability(self) -> None:
        available = self._available and not self._congested
        self.ask(lambda policy: policy.set_available(available, now=self._now()))

    def _start_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        due = self._policy.due
        if due is not None:
            seconds = min(max(0.0, (due - self._now()) / 1000), self._timing.longest_timer)
            self._timer = self._loop.call_at(self._loop.time() + seconds, self._tick)

    def _tick(self) -> None:
        self.ask(lambda policy: policy.tick(now=self._now()))

    def _log_failure(self, error: Exception) -> None:
        """Log why the channel failed, unless the previous failure had the same reason."""
        if repr(error) == self._last_error:
            return
        self._last_error = repr(error)
        bug = None if isinstance(error, Fault) else error
        _logger.error("%s failed at a notification: %s", self.channel.name, error, exc_info=bug)

    async def _carry_out_all(self) -> None:
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            unwritten: dict[str, PolicyRequest] = {}  # by tag: a newer request replaces an older one
            while self._queue:
                request = self._queue.take()
                unwritten.pop(request.tag, None)
                try:
                    written = await self._write(request)
                    if written is not None:
                        await self.channel.carry_out(written)
                        self._last_error = ""
                except _UnreadableLogError:
                    unwritten[request.tag] = request  # set aside, as other requests may not need the log
                except Exception as error:  # noqa: BLE001 - logged
                    self._log_failure(error)
            for request in reversed(unwritten.values()):
                self._queue.put_back(request)
            if unwritten:
                self._loop.call_later(self._timing.retry_interval, self._wakeup.set)
            if self._congested and len(self._queue) <= _MOST_WAITING:
                self._congested = False
                self._update_availability()
            if not self._queue:
                self.idle.set()
