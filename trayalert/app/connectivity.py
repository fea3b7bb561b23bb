"""Runs the tunnel and the probes, and watches for network changes and sleep. No Qt.

Nothing in this module may prevent the listener from receiving a callback. Everything runs on the receiver's event loop.
Any thread may read the attributes `reach`, `tunnel`, `public_url` and `url_changed`.
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
"""Key of the state store for the public address that the user knows."""

_PROBE_MARGIN: Millis = 15_000
"""Milliseconds for which a proof stays valid beyond two probe intervals."""

_logger = logging.getLogger(__name__)


class Connectivity:
    """The tunnel, the probes and the watches of one receiver, combined into one reachability.

    The object is made before the listener, because the listener passes each probe that arrives to `self_probe`.
    `announce` is called with each batch of events, and `mask` replaces the secrets in a text. `secret_store` returns
    the tunnel's token. By default the token is read from a file (`SecretFiles`).
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
        """The reachability: whether Cloud Monitor can reach the listener, since when, and why not."""
        return self._monitor.state

    @property
    def tunnel(self) -> TunnelState:
        """The state of the tunnel, including the latest output of its program."""
        running = self._supervisor
        return replace(self._tunnel, output=running.state.output) if running else self._tunnel

    @property
    def public_url(self) -> str | None:
        """The present public URL without a path, or None if no public address is known."""
        return self._tunnel.url or self._settings.public_url

    @property
    def proved_until(self) -> Millis | None:
        """The time until which the last proof shows that callbacks arrive, or None if no probe has succeeded yet.

        The proof lasts two probe intervals plus a margin, so after that time the next probe is overdue.
        """
        at = self.reach.reachable_at
        return None if at is None else at + 2 * self._settings.probe_seconds * 1000 + _PROBE_MARGIN

    @property
    def settings(self) -> Settings:
        """The settings of the start, updated with the ingress that `apply_settings` was last called with."""
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
        """Record the state of the listener. Start the tunnel when the listener opens."""
        before, self._listener = self._listener, listener
        if listener.open and (before is None or not before.open):
            self._begin_tunnel()  # before the monitor is informed: while the tunnel starts, a probe would fail
        self._monitor.set_listener(open_=listener.open, problem=listener.problem)

    def set_source_state(self, name: str, state: SourceState) -> None:
        """Record the state of a source other than the listener."""
        self._monitor.set_source(name, receiving=state.receiving, problem=state.problem)

    def set_log_state(self, state: LogState) -> None:
        """Record the state of the log: trayalert is blind while the log cannot store callbacks."""
        self._monitor.set_log_problem(None if state.storing else " ".join(state.problems))

    def set_downtime_recorder(self, recorder: DowntimeRecorder) -> None:
        """Report sleeps and changes of the reachability to `recorder` from now on."""
        self._downtime = recorder
        recorder.set_reachability(self.reach)

    async def apply_settings(self, settings: Settings) -> None:
        """Use the ingress of `settings` from now on: end the running tunnel, and start the new one if there is one."""
        async with self._settings_lock:  # concurrent calls could start a tunnel that is never ended
            self._settings = settings
            await self._end_tunnel()
            if self._listener and self._listener.open:
                self._begin_tunnel()
            self._check_address()

    async def probe(self) -> ReachabilityState:
        """Probe now and return the new reachability. If nothing can be probed, return the present state."""
        return await self._monitor.probe_now()

    def accept_url(self) -> None:
        """Remember that the user knows the present public address, so that `url_changed` becomes None."""
        self._state_store.set(_KNOWN_URL, self.public_url)
        self._check_address()

    # Callbacks of the monitor, the supervisor and the watches.

    async def _probe(self, url: str) -> ProbeResult:
        listener = self._listener
        place = listener.url if listener else "its door"
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
            self._restart_tunnel("the network has changed")

    def _restart_tunnel(self, reason: str) -> None:
        if self._supervisor:
            self._supervisor.restart(reason)

    def _on_tunnel_changed(self, state: TunnelState) -> None:
        self._tunnel = state
        self._check_address()
        self._monitor.set_tunnel(state)
        self._announce([TunnelChanged(state)])

    def _check_address(self) -> None:
        """Pass the present public address to the monitor. Announce UrlChanged if the user knows another address."""
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
    """Run a watch or the tunnel. An unexpected exception is logged and ends this coroutine, but not the receiver."""
    try:
        await watching
    except Exception:
        _logger.exception("a watch on the way in has failed")
