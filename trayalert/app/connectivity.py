"""Runs the tunnel and the probes, and watches for network changes and sleep. Does not use Qt.

Nothing in this module may prevent the listener from receiving a callback. All code runs on the receiver's event loop,
but any thread may read the attributes `reach`, `tunnel`, `public_url` and `url_changed`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trayalert.app.platform.network_changes import watch_network
from trayalert.app.platform.secret_files import SecretFiles
from trayalert.app.platform.sleep import SleepWatch
from trayalert.app.platform.state_store import StateStore
from trayalert.clock import now, ticks
from trayalert.domain.events import Event, ReachabilityChanged, TunnelChanged, UrlChanged
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.log_state import LogState
from trayalert.domain.phrase import Phrase, PhraseList
from trayalert.domain.reachability import ProbeResult, ReachabilityState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.access.secret_store import SecretStore
from trayalert.services.reachability.downtime import DowntimeRecorder
from trayalert.services.reachability.monitor import ReachabilityMonitor
from trayalert.services.reachability.probe import SelfProbe
from trayalert.services.sources.source import SourceState

if TYPE_CHECKING:
    from trayalert.services.tunnel.supervisor import TunnelSupervisor

_KNOWN_URL = "public_url"
"""Name under which the state store keeps the public address that the user knows."""

_PROBE_MARGIN: Millis = 15_000
"""A successful probe proves reachability for two probe intervals plus this margin, in milliseconds."""

_logger = logging.getLogger(__name__)


class Connectivity:
    """Runs a receiver's tunnel and probes, watches for network changes and sleep, and computes the reachability.

    Create this object before the listener, because the listener passes incoming probes to `self_probe`. `announce` is
    called with each batch of events. `mask` returns the given string with its secrets replaced. `secret_store` supplies
    the tunnel's token. If `secret_store` is None, the token is read from a file (SecretFiles).
    """

    def __init__(
        self,
        settings: Settings,
        state_store: StateStore,
        *,
        announce: Callable[[Sequence[Event]], None],
        mask: Callable[[str], str],
        secret_store: SecretStore | None = None,
    ) -> None:
        self.self_probe = SelfProbe()
        self._tunnel = TunnelState()
        self.url_changed: UrlChanged | None = None
        self._settings = settings
        self._state_store = state_store
        self._announce = announce
        self._mask = mask
        self._secret_store = secret_store or SecretFiles()
        self._listener: ListenerState | None = None
        self._downtime: DowntimeRecorder | None = None
        self._supervisor: TunnelSupervisor | None = None
        self._tunnel_task: asyncio.Task[None] | None = None
        self._settings_lock = asyncio.Lock()
        self._monitor = ReachabilityMonitor(
            probe=self._probe,
            interval=settings.probe_seconds,
            report=self._on_reachability_changed,
            restart_tunnel=self._restart_tunnel,
            now=now,
            ticks=ticks,
        )

    @property
    def reach(self) -> ReachabilityState:
        """The reachability: whether Cloud Monitor can reach the listener, since when, and why."""
        return self._monitor.state

    @property
    def tunnel(self) -> TunnelState:
        """The state of the tunnel, including the latest output of the tunnel program."""
        running = self._supervisor
        return replace(self._tunnel, output=running.state.output) if running else self._tunnel

    @property
    def public_url(self) -> str | None:
        """The current public URL without a path, or None if no public address is known."""
        return self._tunnel.url or self._settings.public_url

    @property
    def proved_until(self) -> Millis | None:
        """The time until which the latest successful probe proves that callbacks arrive.

        If no probe has succeeded yet, the value is None. A successful probe is a proof for two probe intervals plus a
        margin.
        """
        at = self.reach.reachable_at
        return None if at is None else at + 2 * self._settings.probe_seconds * 1000 + _PROBE_MARGIN

    @property
    def settings(self) -> Settings:
        """The settings from the start of the program, or from the latest call of `apply_settings`."""
        return self._settings

    async def run(self) -> None:
        """Send probes and watch for sleep and network changes until cancelled, then end the tunnel."""
        self._check_address()
        sleep_watch = SleepWatch(now=now, ticks=ticks, on_slept=self._on_slept)
        try:
            async with asyncio.TaskGroup() as tasks:
                for watching in (self._monitor.run(), sleep_watch.run(), watch_network(self._on_network_changed)):
                    tasks.create_task(_log_failure(watching))
        finally:
            await self._end_tunnel()

    # Called by the receiver.

    def set_listener_state(self, listener: ListenerState) -> None:
        """Record the state of the listener, and start the tunnel if the listener has just opened."""
        before, self._listener = self._listener, listener
        if listener.open and (before is None or not before.open):
            self._begin_tunnel()  # first, so that the monitor does not probe before the tunnel is up
        self._monitor.set_listener(open_=listener.open, problem=listener.problem)

    def set_source_state(self, name: str, state: SourceState) -> None:
        """Record the state of a callback source other than the listener."""
        self._monitor.set_source(name, receiving=state.receiving, problem=state.problem)

    def set_log_state(self, state: LogState) -> None:
        """Record the state of the log. While the log cannot store callbacks, trayalert counts as blind."""
        self._monitor.set_log_problem(None if state.storing else PhraseList(state.problems))

    def set_downtime_recorder(self, recorder: DowntimeRecorder) -> None:
        """From now on, report each sleep and each reachability change to `recorder`.

        The current reachability is reported immediately.
        """
        self._downtime = recorder
        recorder.set_reachability(self.reach)

    async def apply_settings(self, settings: Settings) -> None:
        """Switch to the ingress in `settings`.

        End the running tunnel, if there is one. If `settings` contain a tunnel and the listener is open, start that
        tunnel.
        """
        async with self._settings_lock:  # otherwise concurrent calls could start a tunnel that is never ended
            self._settings = settings
            await self._end_tunnel()
            if self._listener and self._listener.open:
                self._begin_tunnel()
            self._check_address()

    async def probe(self) -> ReachabilityState:
        """Probe now and return the new reachability. If no probe is possible, return the current reachability."""
        return await self._monitor.probe_now()

    def accept_url(self) -> None:
        """Remember that the user knows the current public address. `url_changed` then becomes None."""
        self._state_store.set(_KNOWN_URL, self.public_url)
        self._check_address()

    # Called by the monitor, the supervisor and the watches.

    async def _probe(self, url: str) -> ProbeResult:
        listener = self._listener
        place = listener.url if listener else Phrase("its door")
        return await self.self_probe.probe(url, listener_address=place)

    def _begin_tunnel(self) -> None:
        tunnel, listener = self._settings.tunnel, self._listener
        if tunnel is None or listener is None:
            return
        from trayalert.services.tunnel.supervisor import TunnelSupervisor  # noqa: PLC0415 - only for a tunnel

        self._supervisor = TunnelSupervisor(
            tunnel,
            public_url=self._settings.public_url,
            report=self._on_tunnel_changed,
            now=now,
            mask=self._mask,
            secret_store=self._secret_store,
        )
        running = _log_failure(self._supervisor.run(listener.host, listener.port, tls=listener.tls))
        self._tunnel_task = asyncio.get_running_loop().create_task(running)
        self._on_tunnel_changed(replace(self._supervisor.state, phase=Phase.STARTING))

    async def _end_tunnel(self) -> None:
        if self._tunnel_task is None:
            return
        self._tunnel_task.cancel()
        await asyncio.wait([self._tunnel_task])
        self._tunnel_task = self._supervisor = None
        self._on_tunnel_changed(TunnelState())

    def _on_network_changed(self) -> None:
        self._monitor.request_probe()
        if self._tunnel.phase is Phase.WAITING:
            self._restart_tunnel(Phrase("the network has changed"))

    def _restart_tunnel(self, reason: str) -> None:
        if self._supervisor:
            self._supervisor.restart(reason)

    def _on_tunnel_changed(self, state: TunnelState) -> None:
        self._tunnel = state
        self._check_address()
        self._monitor.set_tunnel(state)
        self._announce([TunnelChanged(state)])

    def _check_address(self) -> None:
        """Pass the current public address to the monitor, and update `url_changed`.

        `url_changed` is not None while the current address differs from the address that the user knows. Each change
        of `url_changed` is announced as a UrlChanged event.
        """
        url = self.public_url
        self._monitor.set_public_url(url)
        if url is None:
            return
        known = self._state_store.get(_KNOWN_URL)
        if not isinstance(known, str):
            self._state_store.set(_KNOWN_URL, url)
            known = url
        changed = UrlChanged(known, url) if known != url else None
        if changed != self.url_changed:
            self.url_changed = changed
            self._announce([changed or UrlChanged(url, url)])

    def _on_reachability_changed(self, state: ReachabilityState) -> None:
        if self._downtime:
            self._downtime.set_reachability(state)
        self._announce([ReachabilityChanged(state)])

    def _on_slept(self, began_at: Millis, ended_at: Millis) -> None:
        if self._downtime:
            self._downtime.record_sleep(began_at, ended_at)
        self._monitor.on_wake()
        self._on_network_changed()


async def _log_failure(watching: Coroutine[Any, Any, None]) -> None:
    """Await `watching`, which is a watch or the tunnel. If `watching` raises an exception, log the exception.

    The exception is not raised, because a bug in a watch or in the tunnel must not end the receiver.
    """
    try:
        await watching
    except Exception:
        _logger.exception("a watch on the way in has failed")
