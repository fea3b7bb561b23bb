"""How callbacks reach the listener: tunnel, probes, network, sleep, gaps. No Qt.

Its rule: nothing here may keep a callback from being received. All is on the receiver's loop; `reach`, `tunnel`,
`public_url` and `url_changed` may be read on any thread.
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
"""Key in the state store of the public address that the person knows."""

_PROBE_MARGIN: Millis = 15_000

_logger = logging.getLogger(__name__)


class Connectivity:
    """Made before the listener, which calls `self_probe`. `announce` gets the events.

    `secret_store` keeps the tunnel's token; None: a file does.
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
        """Whether Cloud Monitor can reach us."""
        return self._monitor.state

    @property
    def tunnel(self) -> TunnelState:
        """The state of the tunnel, with its output until now."""
        running = self._supervisor
        return replace(self._tunnel, output=running.state.output) if running else self._tunnel

    @property
    def public_url(self) -> str | None:
        """The present public address, without a path."""
        return self._tunnel.url or self._settings.public_url

    @property
    def proved_until(self) -> Millis | None:
        """Until when the last probe proves that callbacks arrive; the next one is overdue by then."""
        at = self.reach.reachable_at
        return None if at is None else at + 2 * self._settings.probe_seconds * 1000 + _PROBE_MARGIN

    @property
    def settings(self) -> Settings:
        """The settings, with the ingress that was chosen last."""
        return self._settings

    async def run(self) -> None:
        """Watch and probe until cancelled; then end the tunnel in order."""
        self._check_address()
        sleep_watch = SleepWatch(now=now, ticks=ticks, on_slept=self._on_slept)
        try:
            async with asyncio.TaskGroup() as tasks:
                for watching in (self._monitor.run(), sleep_watch.run(), watch_network(self._on_network_changed)):
                    tasks.create_task(_log_failure(watching))
        finally:
            await self._end_tunnel()

    # called by the receiver

    def set_listener_state(self, listener: ListenerState) -> None:
        """Take the state of the listener; start the tunnel once the listener is open."""
        before, self._listener = self._listener, listener
        if listener.open and (before is None or not before.open):
            self._begin_tunnel()  # first: before it is up there is nothing to probe
        self._monitor.set_listener(open_=listener.open, problem=listener.problem)

    def set_source_state(self, name: str, state: SourceState) -> None:
        """Take the state of a source other than the listener."""
        self._monitor.set_source(name, receiving=state.receiving, problem=state.problem)

    def set_log_state(self, state: LogState) -> None:
        """Take the state of the log."""
        self._monitor.set_log_problem(None if state.storing else " ".join(state.problems))

    def set_downtime_recorder(self, recorder: DowntimeRecorder) -> None:
        """Record gaps from now on."""
        self._downtime = recorder
        recorder.set_reachability(self.reach)

    async def apply_settings(self, settings: Settings) -> None:
        """Use the ingress of these settings from now on."""
        async with self._settings_lock:  # two at once would leave a tunnel without an end
            self._settings = settings
            await self._end_tunnel()
            if self._listener and self._listener.open:
                self._begin_tunnel()
            self._check_address()

    async def probe(self) -> ReachabilityState:
        """Probe now, and return the result."""
        return await self._monitor.probe_now()

    def accept_url(self) -> None:
        """The person knows the present public address."""
        self._state_store.set(_KNOWN_URL, self.public_url)
        self._check_address()

    # events

    async def _probe(self, url: str) -> ProbeResult:
        listener = self._listener
        place = listener.url if listener else "its door"
        return await self.self_probe.probe(url, listener_address=place)

    def _begin_tunnel(self) -> None:
        tunnel, listener = self._settings.tunnel, self._listener
        if tunnel is None or listener is None:
            return
        from trayalert.services.tunnel.supervisor import TunnelSupervisor  # noqa: PLC0415 - only who has a tunnel pays for it

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
        """Take the present address; announce if it is not the one that the person knows."""
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
    """Let a fault of ours end this watch, not the receiver."""
    try:
        await watching
    except Exception:
        _logger.exception("a watch on the way in has failed")
