"""The receiver: everything that must keep running while the UI is blocked, on one asyncio event loop, without Qt.

`trayalert serve` runs the receiver on the main thread, and the tray application runs the receiver on a second thread.
The log opens before the listener, and closes after the listener.
"""

import asyncio
import contextlib
import logging
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
from trayalert.app.platform.system_language import system_locale
from trayalert.clock import now, ticks
from trayalert.domain.callback import Receive
from trayalert.domain.events import Event, ListenerChanged, LogChanged, ProgramEvent, ReachabilityChanged, ResolveFailed
from trayalert.domain.fault import Fault
from trayalert.domain.incident.console_link import console_links
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.log_state import LogState
from trayalert.domain.phrase import Phrase, PhraseList
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
"""Seconds to wait before a failed step of the start-up is tried again."""

_SWITCH_INTERVAL = 0.0005
"""Python's switch interval, in seconds: how long a thread may keep the GIL while another thread waits for the GIL.

Other threads read the log for notifications, and the main thread draws widgets. With Python's default of 5 ms, these
threads would delay the answers to callbacks too much.
"""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to run the program."""

    places: Places
    settings: Settings
    problems: tuple[str, ...]
    """Sentences about what is wrong with the settings."""
    secrets: Secrets
    mode: str
    """How trayalert was started: "tray" or "serve"."""
    minimised: bool = False
    """Whether to start without opening a window."""
    show_setup: bool = False
    """Whether to open the setup assistant at the start."""


class Receiver:
    """Composes all parts that receive and store callbacks. Create and run a receiver on the same event loop.

    Any thread may use the attributes and methods, except those marked "Only for the event loop's thread".

    `announce` is called with each batch of events. `replies` maps each command type that another process may send to
    the coroutine that carries out the command. `sources` are callback sources in addition to the listener.

    `show` is called with the window to raise ("window" or "setup"). If the program has no windows, `show` is None.

    If the log, the listener or the control socket cannot be opened, the effect depends on `show`:

    - If `show` is given, the receiver tries again every RETRY_SECONDS. Meanwhile, the window shows the problem.
    - If `show` is None, the constructor raises LogFault, and `run` raises ListenerFault or ControlFault.
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
        self.language = find_language(plan.settings.language, system_locale())
        """The language of notifications. Any thread may assign another language."""
        self.show = show
        self.inbox: Inbox | None = None
        """The inbox, or None while the log cannot be opened. Only for the event loop's thread."""
        self.maintenance: MaintenanceScheduler | None = None
        """The maintenance scheduler, or None until the log is open. Only for the event loop's thread."""
        self.announce = announce
        """The function that is called with each batch of events, as passed to the constructor.

        Other threads may call this function only if it is thread-safe.
        """
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
        """A sentence about the unexpected exception that has stopped the receiver, or None."""
        self._last_note: str | None = None
        self._downtime: DowntimeRecorder | None = None
        self._control: asyncio.AbstractServer | None = None
        self.control_problem: str | None = None
        """A sentence that says why other processes cannot send commands, or None if they can."""
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
        """The state of the listener. If an exception has stopped the receiver, the listener counts as closed."""
        state = self.listener.listener_state
        return replace(state, open=False, problem=self.stop_problem) if self.stop_problem else state

    @property
    def reach(self) -> ReachabilityState:
        """The reachability. If an exception has stopped the receiver, trayalert counts as blind."""
        if self.stop_problem:
            return ReachabilityState(reach=Reachability.BLIND, why=self.stop_problem)
        return self.connectivity.reach

    @property
    def log_state(self) -> LogState:
        """The state of the log. If the log cannot be opened, the state contains the reason."""
        return self.inbox.log_state if self.inbox else self._missing_log_state

    async def run(self) -> None:
        """Receive callbacks until `end` is called, then close everything, starting with the sources.

        If `show` is None, a fault ends the run:

        - ListenerFault: the listener cannot be opened.
        - ControlFault: the control socket cannot be opened.
        """
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
            # raised only below, because some releases of Python 3.11 wrap an exception that is raised here in a group
            fault = innermost(faults)
        finally:
            if self._dispatcher:
                await self._dispatcher.close()
            if self._control:
                self._control.close()
                with contextlib.suppress(OSError):  # the folder may have become read-only
                    self.plan.places.socket.unlink(missing_ok=True)
            if self._downtime:
                await self._downtime.close()
            if self.inbox:
                await self.inbox.close()
        if fault:
            raise fault from None

    def end(self) -> None:
        """Ask `run` to shut down cleanly, and return immediately."""
        self.call_soon(self._ending.set)

    def resolve(self, incident_id: int) -> None:
        """Start marking an incident as recovered, at the user's request. Return immediately.

        IncidentChanged is announced on success, and ResolveFailed on failure. If the incident is not open, nothing is
        announced.
        """
        resolving = self._resolve(incident_id)
        try:
            asyncio.run_coroutine_threadsafe(resolving, self._loop)
        except RuntimeError:  # the loop is closed
            resolving.close()
            self.announce([ResolveFailed(incident_id, Phrase("The receiver has stopped. Restart trayalert."))])

    def verify(self) -> None:
        """Ask the writer to verify the log, and return immediately.

        Code that reads the log calls this method when it finds the log damaged or missing.
        """
        self.call_soon(lambda: self.inbox.verify() if self.inbox else None)

    def call_soon(self, work: Callable[[], object]) -> None:
        """Schedule `work` to be called on the receiver's loop. Do nothing if the loop is closed."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(work)

    def run_coroutine(self, work: Coroutine[Any, Any, object]) -> None:
        """Start `work` on the receiver's loop, without waiting for the result. Do nothing if the loop is closed."""
        try:
            asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop is closed
            work.close()

    async def _resolve(self, incident_id: int) -> None:
        try:
            await self.require_inbox().resolve(incident_id, now=now())
        except LogFault as fault:
            _logger.error("incident %d could not be marked recovered: %s", incident_id, fault)
            self._announce([ResolveFailed(incident_id, str(fault))])
        except Exception as error:  # nothing awaits this task, and the user must learn that it failed
            _logger.exception("incident %d could not be marked recovered", incident_id)
            self._announce([ResolveFailed(incident_id, Phrase("trayalert failed at it: {error}", error=repr(error)))])

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
        """Return the inbox. Raise LogFault if the log could not be opened. Only for the event loop's thread."""
        if self.inbox is None:
            raise LogFault(PhraseList(self._missing_log_state.problems))
        return self.inbox

    async def _open_control(self) -> None:
        """Try to open the control socket, and update `control_problem`.

        If `show` is None, raise ControlFault on failure.
        """
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
        """Open the log if it is not open yet. Then run the sources, the heartbeat watcher and the maintenance."""
        while self.inbox is None:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                self._open_log()
            except LogFault as fault:
                self._report_missing_log(fault)
            else:
                self._announce([LogChanged(self.log_state)])
        assert self._downtime  # noqa: S101 - made together with the inbox
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
        """Cancel the sources, and wait until they have stored and answered the requests in progress."""
        for task in self._source_tasks:
            task.cancel()
        if self._source_tasks:
            await asyncio.wait(self._source_tasks)

    def _announce(self, events: Sequence[Event]) -> None:
        self.announce(events)
        if self._dispatcher:
            self._dispatcher.on_events(events)

    def attach(self, channel: "Channel", *, available: bool = True) -> "NotificationDispatcher":
        """Attach a channel and return the dispatcher. Only for the event loop's thread.

        From now on, notifications go to this channel and to all channels that were attached before. `available` is
        false if the channel cannot show anything yet.
        """
        if self._dispatcher is None:
            sys.setswitchinterval(_SWITCH_INTERVAL)
            # imported here, because the imports cost memory and `serve` may have no channel
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
                    language=lambda: self.language,
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
        """Serve the metrics for Prometheus. Do nothing if the settings name no port for the metrics."""
        port = self.plan.settings.metrics_port
        if port is None:
            return
        await self._listener_opened.wait()  # else the metrics server could take the port that the listener needs
        # imported here, because the imports cost memory and metrics are off by default
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
        """Return whether the program is healthy, and a message.

        The program is healthy if the listener is open and trayalert is not blind. Unknown reachability counts as
        healthy, because the admin may have turned off probes. The message says why trayalert is blind, or why its
        reachability is unknown. If there is no reason, the message is "ok".
        """
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
