"""The way in, as the receiver keeps it: tunnel, probes, network, sleep, gaps. No Qt.

Its rule: nothing here may keep a callback from being received. Lives on the receiver's loop; `reach`, `tunnel`,
`public_url` and `url_changed` may be read on any thread.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trayalert.app.platform.clock import now, ticks
from trayalert.app.platform.network_changes import watch_network
from trayalert.app.platform.sleep import Waking
from trayalert.app.platform.state_store import Remembered
from trayalert.domain.events import Event, ReachChanged, TunnelChanged, UrlChanged
from trayalert.domain.log_state import LogState
from trayalert.domain.reachability import ReachState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.presentation.status import Door, address
from trayalert.services.reachability.downtime import Gapkeeping
from trayalert.services.reachability.monitor import Reaching
from trayalert.services.reachability.probe import Found, SelfProbe

if TYPE_CHECKING:
    from trayalert.services.tunnel.supervisor import Tunnelling

_KNOWN_URL = "public_url"
"""What is remembered: the public address that the person knows of."""

_LATE: Millis = 15_000

_logger = logging.getLogger(__name__)


class WayIn:
    """Made before the door, which asks `self_probe`. `announce` gets its events."""

    def __init__(
        self,
        settings: Settings,
        remembered: Remembered,
        *,
        announce: Callable[[Sequence[Event]], None],
        mask: Callable[[str], str],
    ) -> None:
        self.self_probe = SelfProbe(now=now)
        self._tunnel = TunnelState()
        self.url_changed: UrlChanged | None = None
        self._settings = settings
        self._remembered = remembered
        self._announce = announce
        self._mask = mask
        self._door: Door | None = None
        self._gaps: Gapkeeping | None = None
        self._tunnelling: Tunnelling | None = None
        self._tunnel_task: asyncio.Task[None] | None = None
        self._choosing = asyncio.Lock()
        self._reaching = Reaching(
            probe=self._probe,
            every=settings.probe_seconds,
            tell=self._reach_changed,
            mend=self._mend,
            now=now,
            ticks=ticks,
        )

    @property
    def reach(self) -> ReachState:
        """Whether the outside can reach us."""
        return self._reaching.state

    @property
    def tunnel(self) -> TunnelState:
        """How the tunnel is, with what it has said until now."""
        running = self._tunnelling
        return replace(self._tunnel, output=running.state.output) if running else self._tunnel

    @property
    def public_url(self) -> str | None:
        """The public address that is known now, with no path."""
        return self._tunnel.url or self._settings.public_url

    @property
    def proved_until(self) -> Millis | None:
        """Until when the last probe proves that callbacks get through; the next one is long due by then."""
        at = self.reach.reachable_at
        return None if at is None else at + 2 * self._settings.probe_seconds * 1000 + _LATE

    @property
    def settings(self) -> Settings:
        """The settings, with the way that was chosen last."""
        return self._settings

    async def run(self) -> None:
        """Watch and probe until this is cancelled; then the tunnel ends in order."""
        self._address_is()
        waking = Waking(now=now, ticks=ticks, slept=self._slept)
        try:
            async with asyncio.TaskGroup() as tasks:
                for watching in (self._reaching.run(), waking.run(), watch_network(self._network_changed)):
                    tasks.create_task(_guarded(watching))
        finally:
            await self._end_tunnel()

    # what the receiver tells

    def door_is(self, door: Door) -> None:
        """Hear how the door is; with it open the tunnel is started."""
        before, self._door = self._door, door
        if door.open and (before is None or not before.open):
            self._begin_tunnel()  # first: before it is up there is nothing to probe
        self._reaching.door_is(open_=door.open, problem=door.problem)

    def log_is(self, state: LogState) -> None:
        """Hear how the log is."""
        self._reaching.log_is(None if state.storing else " ".join(state.problems))

    def keep_gaps(self, gaps: Gapkeeping) -> None:
        """Have gaps written down from now on."""
        self._gaps = gaps
        gaps.reach_is(self.reach)

    async def choose(self, settings: Settings) -> None:
        """Go the way of these settings from now on."""
        async with self._choosing:  # two at once would leave a tunnel that nobody ends
            self._settings = settings
            await self._end_tunnel()
            if self._door and self._door.open:
                self._begin_tunnel()
            self._address_is()

    async def probe(self) -> ReachState:
        """Probe now, and return what was found."""
        return await self._reaching.probe_now()

    def accept_url(self) -> None:
        """Hear that the person knows the present public address."""
        self._remembered.set(_KNOWN_URL, self.public_url)
        self._address_is()

    # what happens

    async def _probe(self, url: str) -> Found:
        door = self._door
        where = address(door.host, door.port, tls=door.tls) if door else "its door"
        return await self.self_probe.probe(url, door=where)

    def _begin_tunnel(self) -> None:
        tunnel, door = self._settings.tunnel, self._door
        if tunnel is None or door is None:
            return
        from trayalert.services.tunnel.supervisor import Tunnelling  # noqa: PLC0415 - only who has a tunnel pays for it

        self._tunnelling = Tunnelling(
            tunnel, public_url=self._settings.public_url, tell=self._tunnel_changed, now=now, mask=self._mask
        )
        running = _guarded(self._tunnelling.run(door.host, door.port, tls=door.tls))
        self._tunnel_task = asyncio.get_running_loop().create_task(running)
        self._tunnel_changed(replace(self._tunnelling.state, phase=Phase.STARTING))

    async def _end_tunnel(self) -> None:
        if self._tunnel_task is None:
            return
        self._tunnel_task.cancel()
        await asyncio.wait([self._tunnel_task])
        self._tunnel_task = self._tunnelling = None
        self._tunnel_changed(TunnelState())

    def _network_changed(self) -> None:
        self._reaching.probe_soon()
        if self._tunnel.phase is Phase.WAITING:
            self._mend("the network has changed")

    def _mend(self, why: str) -> None:
        if self._tunnelling:
            self._tunnelling.restart(why)

    def _tunnel_changed(self, state: TunnelState) -> None:
        self._tunnel = state
        self._address_is()
        self._reaching.tunnel_is(state)
        self._announce([TunnelChanged(state)])

    def _address_is(self) -> None:
        """Take the address that is known now; shout where it is not the one that the rules have."""
        url = self.public_url
        self._reaching.address_is(url)
        if url is None:
            return
        known = self._remembered.get(_KNOWN_URL)
        if not isinstance(known, str):
            self._remembered.set(_KNOWN_URL, url)
            known = url
        changed = UrlChanged(known, url) if known != url else None
        if changed != self.url_changed:
            self.url_changed = changed
            self._announce([changed or UrlChanged(url, url)])

    def _reach_changed(self, state: ReachState) -> None:
        if self._gaps:
            self._gaps.reach_is(state)
        self._announce([ReachChanged(state)])

    def _slept(self, began_at: Millis, ended_at: Millis) -> None:
        if self._gaps:
            self._gaps.slept(began_at, ended_at)
        self._reaching.woke()
        self._network_changed()


async def _guarded(watching: Coroutine[Any, Any, None]) -> None:
    """Let a bug of ours cost one watch, not the receiver."""
    try:
        await watching
    except Exception:
        _logger.exception("a watch on the way in has failed")
