"""The receiver: everything that must go on when the UI stands still, on one asyncio loop of its own. No Qt.

`trayalert serve` runs it on the main thread, the tray application on a second one. The listener opens last and closes
first.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from trayalert.app.connectivity import Connectivity
from trayalert.app.control.control_protocol import ControlFault
from trayalert.app.control.control_server import Replies, open_control
from trayalert.app.diagnostics.crashes import innermost
from trayalert.app.platform.places import Places
from trayalert.app.platform.state_store import StateStore
from trayalert.clock import now, ticks
from trayalert.domain.callback import Receive
from trayalert.domain.events import Event, ListenerChanged, LogChanged, ProgramEvent, ReachabilityChanged, ResolveFailed
from trayalert.domain.fault import Fault
from trayalert.domain.incident.console_link import console_links
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.log_state import LogState
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.wording.language import find_language
from trayalert.services.access.secrets import Secrets
from trayalert.services.heartbeat.watcher import HeartbeatWatcher
from trayalert.services.inbox import Inbox
from trayalert.services.maintenance.scheduler import MaintenanceScheduler
from trayalert.services.reachability.downtime import DowntimeRecorder
from trayalert.services.sources.http_source import HttpSource
from trayalert.services.sources.source import Source
from trayalert.storage.faults import LogFault

if TYPE_CHECKING:
    from trayalert.services.notify.dispatcher import Channel, NotificationDispatcher

RETRY_SECONDS = 2.0
"""Seconds until the program tries again what has failed at its start."""

_SWITCH_INTERVAL = 0.0005
"""Seconds that another thread may keep the interpreter from the receiver's, 5 ms by default: threads read the log for
notifications, and widgets are busy."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to run. `mode` is "tray" or "serve"; `minimised` opens no window, `show_setup` the setup assistant."""

    places: Places
    settings: Settings
    problems: tuple[str, ...]
    secrets: Secrets
    mode: str
    minimised: bool = False
    show_setup: bool = False


class Receiver:
    """Made and run on one asyncio loop. What is not marked as the loop's is for any thread.

    `replies` answers the commands of other processes; `control_problem` says why none arrives. `show` raises a window.
    `sources` are those besides the listener.

    With `show` a person sees that the listener or the log cannot be opened, and opening is retried. Without `show` that
    ends the program: LogFault is raised if the log cannot be opened.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        announce: Callable[[Sequence[Event]], None],
        replies: "Replies[Receiver]",
        show: Callable[[str], None] | None = None,
        sources: Sequence[Source] = (),
    ) -> None:
        self.plan = plan
        self.show = show
        self.inbox: Inbox | None = None
        """None while the log cannot be opened. The loop's."""
        self.maintenance: MaintenanceScheduler | None = None
        """The loop's."""
        self.announce = announce
        """Hands events to whoever runs the receiver. For any thread, if `announce` is."""
        self._replies = replies
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        self._listener_opened = asyncio.Event()
        self._dispatcher: NotificationDispatcher | None = None
        self.state_store = StateStore(plan.places.state_file)
        self.connectivity = Connectivity(
            plan.settings, self.state_store, announce=self._announce, mask=plan.secrets.mask
        )
        self.listener = HttpSource(
            plan.settings,
            plan.secrets,
            plan.places.access_log,
            on_refused=lambda refused: self._announce([refused]),
            self_probe=self.connectivity.self_probe,
            now=now,
            retry_seconds=RETRY_SECONDS if show else None,
        )
        self._sources: tuple[Source, ...] = (self.listener, *sources)
        self._source_tasks: list[asyncio.Task[None]] = []
        self.stop_problem: str | None = None
        """A sentence, once the receiver has stopped by a fault of trayalert's own."""
        self._last_note: str | None = None
        self._downtime: DowntimeRecorder | None = None
        self._control: asyncio.AbstractServer | None = None
        self.control_problem: str | None = None
        self.metrics_port: int | None = None
        self.metrics_problem: str | None = None
        self._missing_log_state = LogState()
        try:
            self._open_log()
        except LogFault as fault:
            if show is None:
                raise
            self._report_missing_log(fault)

    @property
    def listener_state(self) -> ListenerState:
        """The state of the listener, for any thread."""
        state = self.listener.listener_state
        return replace(state, open=False, problem=self.stop_problem) if self.stop_problem else state

    @property
    def reach(self) -> ReachabilityState:
        """Whether the outside can reach us, for any thread."""
        if self.stop_problem:
            return ReachabilityState(reach=Reachability.BLIND, why=self.stop_problem)
        return self.connectivity.reach

    @property
    def log_state(self) -> LogState:
        """The state of the log, for any thread."""
        return self.inbox.log_state if self.inbox else self._missing_log_state

    async def run(self) -> None:
        """Receive until `end`, then close all. Without `show` raise ListenerFault if the listener cannot be opened."""
        fault: BaseException | None = None
        try:
            await self._open_control()
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(work)
                    for work in (self._receive(), self._retry_control(), self.connectivity.run(), self._serve_metrics())
                ]
                await self._ending.wait()
                await self._close_sources()
                for task in running:
                    task.cancel()
        except* Fault as faults:
            fault = innermost(faults)  # raised below, as some Python 3.11 put what is raised here into a group
        finally:
            if self._dispatcher:
                await self._dispatcher.close()
            if self._control:
                self._control.close()
                with contextlib.suppress(OSError):  # its folder may not be written any more
                    self.plan.places.socket.unlink(missing_ok=True)
            if self._downtime:
                await self._downtime.close()
            if self.inbox:
                await self.inbox.close()
        if fault:
            raise fault from None

    def end(self) -> None:
        """End in good order."""
        self.call_soon(self._ending.set)

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered by hand; an event follows."""
        resolving = self._resolve(incident_id)
        try:
            asyncio.run_coroutine_threadsafe(resolving, self._loop)
        except RuntimeError:  # its loop is closed
            resolving.close()
            self.announce([ResolveFailed(incident_id, "The receiver has stopped. Restart trayalert.")])

    def verify(self) -> None:
        """Check the log, which could not be read."""
        self.call_soon(lambda: self.inbox.verify() if self.inbox else None)

    def call_soon(self, work: Callable[[], object]) -> None:
        """Call it on the receiver's loop."""
        with contextlib.suppress(RuntimeError):  # its loop is closed
            self._loop.call_soon_threadsafe(work)

    def run_coroutine(self, work: Coroutine[Any, Any, object]) -> None:
        """Start it on the receiver's loop, without waiting for its result."""
        try:
            asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # its loop is closed
            work.close()

    async def _resolve(self, incident_id: int) -> None:
        try:
            await self.require_inbox().resolve(incident_id, now=now())
        except LogFault as fault:
            _logger.error("incident %d could not be marked recovered: %s", incident_id, fault)
            self._announce([ResolveFailed(incident_id, str(fault))])
        except Exception as error:  # no code waits for this task, and the person must know
            _logger.exception("incident %d could not be marked recovered", incident_id)
            self._announce([ResolveFailed(incident_id, f"trayalert failed at it: {error!r}")])

    def _open_log(self) -> None:
        self.inbox = Inbox(self.plan.places.log)
        self.inbox.subscribe(self._announce)
        self.inbox.subscribe(self._on_events)
        self.connectivity.set_log_state(self.inbox.log_state)
        self._downtime = DowntimeRecorder(self.inbox, self.plan.places.alive, now=now)
        self.connectivity.set_downtime_recorder(self._downtime)

    def _on_events(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, LogChanged):
                self.connectivity.set_log_state(event.state)

    def _report_missing_log(self, fault: LogFault) -> None:
        if str(fault) not in self._missing_log_state.problems:
            _logger.error("%s Trying again every %g s.", fault, RETRY_SECONDS)
            self._missing_log_state = LogState(storing=False, problems=(str(fault),))
            self.connectivity.set_log_state(self._missing_log_state)
            self._announce([LogChanged(self._missing_log_state)])

    def require_inbox(self) -> Inbox:
        """Return the inbox, on the loop. Raise LogFault while the log cannot be opened."""
        if self.inbox is None:
            raise LogFault(" ".join(self._missing_log_state.problems))
        return self.inbox

    async def _open_control(self) -> None:
        """Open the control socket. With `show` callbacks are received without it."""
        before = self.control_problem
        try:
            self._control = await open_control(self.plan.places.socket, self._replies, self)
            self.control_problem = None
        except ControlFault as fault:
            if self.show is None:
                raise
            self.control_problem = str(fault)
            if before != self.control_problem:
                _logger.error("%s Trying again every %g s.", fault, RETRY_SECONDS)
        if before != self.control_problem:
            self._announce([LogChanged(self.log_state)])

    async def _retry_control(self) -> None:
        while self.control_problem:
            await asyncio.sleep(RETRY_SECONDS)
            await self._open_control()

    async def _receive(self) -> None:
        """Open the log if that is still to be done, then the listener."""
        while self.inbox is None:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                self._open_log()
            except LogFault as fault:
                self._report_missing_log(fault)
            else:
                self._announce([LogChanged(self.log_state)])
        assert self._downtime  # noqa: S101 - made with the inbox
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._downtime.run())
            plan = self.plan
            watcher = HeartbeatWatcher(
                self.inbox,
                plan.places.log,
                plan.settings.expected,
                now=now,
                ticks=ticks,
                store=self.state_store,
                settings_valid=not plan.problems,
            )
            tasks.create_task(watcher.run())
            self.maintenance = MaintenanceScheduler(self.inbox, plan.places.log, plan.settings, now=now, ticks=ticks)
            tasks.create_task(self.maintenance.run())
            for source in self._sources:
                if source is not self.listener:
                    self.connectivity.set_source_state(source.name, source.state)
                self._source_tasks.append(
                    tasks.create_task(self._run_source(source, self.inbox.receive), name=source.name)
                )

    async def _run_source(self, source: Source, receive: Receive) -> None:
        await source.run(receive, partial(self._on_source_changed, source))
        raise RuntimeError(f"the source {source.name} has ended by itself")

    async def _close_sources(self) -> None:
        """Close the sources before anything else ends."""
        for task in self._source_tasks:
            task.cancel()
        if self._source_tasks:
            await asyncio.wait(self._source_tasks)

    def _announce(self, events: Sequence[Event]) -> None:
        self.announce(events)
        if self._dispatcher:
            self._dispatcher.on_events(events)

    def attach(self, channel: "Channel", *, available: bool = True) -> "NotificationDispatcher":
        """Have a channel show notifications, on the loop; return the dispatcher. One more call attaches one more."""
        if self._dispatcher is None:
            sys.setswitchinterval(_SWITCH_INTERVAL)
            # imported here, as the imports cost memory and `serve` may have no channel
            from trayalert.services.notify.dispatcher import NotificationDispatcher  # noqa: PLC0415
            from trayalert.services.notify.log_lookup import LogLookup  # noqa: PLC0415
            from trayalert.services.notify.notification_writer import NotificationWriter  # noqa: PLC0415
            from trayalert.services.presentation.link_table import link_table  # noqa: PLC0415

            settings = self.plan.settings
            links = link_table(settings)
            self._dispatcher = NotificationDispatcher(
                lookup=LogLookup(self.plan.places.log, verify=self.verify),
                writer=NotificationWriter(
                    links=lambda stored: console_links(stored.alert.alert, links),
                    language=find_language(settings.language, os.environ),
                ),
                now=now,
            )
        listener, url_changed = self.listener_state, self.connectivity.url_changed
        present: list[ProgramEvent] = [
            LogChanged(self.log_state),
            ListenerChanged(listener.host, listener.port, listener.problem),
            ReachabilityChanged(self.reach),
        ]
        self._dispatcher.attach(channel, [*present, *([url_changed] if url_changed else [])], available=available)
        return self._dispatcher

    async def _serve_metrics(self) -> None:
        """Serve Prometheus if the settings name a port."""
        port = self.plan.settings.metrics_port
        if port is None:
            return
        await self._listener_opened.wait()  # metrics must not take the listener's port
        # imported here, as the import costs memory and metrics are off by default
        from trayalert.app.metrics import Measurements, measure_log, prometheus_text  # noqa: PLC0415
        from trayalert.listener.metrics_server import serve_metrics  # noqa: PLC0415

        started_at = ticks()

        def render() -> tuple[bytes, str]:
            return prometheus_text(
                Measurements(
                    mode=self.plan.mode,
                    uptime=(ticks() - started_at) / 1000,
                    log=measure_log(self.plan.places.log),
                    counts=self.listener.counts,
                    storing=self.log_state.storing,
                    reach=self.reach,
                    tunnel=self.connectivity.tunnel,
                )
            )

        await serve_metrics(port, render=render, check_health=self._healthy, report=self._metrics_changed)

    def _healthy(self) -> tuple[bool, str]:
        """Whether all is well. Unknown reachability counts as well, as nothing may be set up to prove it."""
        reach = self.reach
        return reach.reach is not Reachability.BLIND and self.listener_state.open, reach.why or "ok"

    def _metrics_changed(self, port: int | None, problem: str | None) -> None:
        self.metrics_port, self.metrics_problem = port, problem
        self._announce([LogChanged(self.log_state)])

    def _on_source_changed(self, source: Source) -> None:
        if source is not self.listener:
            self.connectivity.set_source_state(source.name, source.state)
            return
        state = self.listener.listener_state
        opened = state.open and state.note == self._last_note
        self._last_note = state.note
        self.connectivity.set_listener_state(state)
        if state.open:
            self._listener_opened.set()
        self._announce([ListenerChanged(state.host, state.port, state.problem, tls=state.tls, opened=opened)])
