"""Reaching: puts together what is known of the way in, and has it probed. Its rule: green is only what a probe proved.

Lives on the receiver's loop; `state` may be read on any thread. Who knows something (door, log, tunnel, sleep, network)
says so; each change is told, and so is each probe.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, TunnelState

_SECOND: Millis = 1000
_MINUTE: Millis = 60 * _SECOND

OFTEN = 2.0
SELDOM = 5.0
"""Seconds between probes in the first minute of being blind, and in the nine after it; then it is as set again."""

STUCK: Millis = 30 * _SECOND
"""So long may a tunnel that runs lead nowhere before it is started again; each time twice as long, up to MOST_STUCK."""
MOST_STUCK: Millis = 10 * _MINUTE

_logger = logging.getLogger(__name__)

_LONGEST_PROBE = 8.0

NO_ADDRESS = (
    "No public address is known, so nothing can prove that callbacks get through. Set one up: `trayalert guide`."
)
NOT_PROBED = "Probes are off (probe_seconds = 0), so nothing proves that callbacks get through."
FIRST_PROBE = "The first probe is under way."
OPENING = "The door is being opened."
TUNNEL_STARTS = "The tunnel is being started."


class Found(Protocol):
    """What a probe found; `ms` is how long it took."""

    @property
    def reach(self) -> Reach: ...  # noqa: D102
    @property
    def why(self) -> str | None: ...  # noqa: D102
    @property
    def ms(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Down:
    """No probe is needed: the tunnel is down."""

    why: str | None
    reach: Reach = Reach.BLIND
    ms: int | None = None


class Reaching:
    """`probe` asks through a public address, every so many seconds (0: never); `mend` starts a stuck tunnel again."""

    def __init__(
        self,
        *,
        probe: Callable[[str], Awaitable[Found]],
        every: float,
        tell: Callable[[ReachState], None],
        mend: Callable[[str], None],
        now: Callable[[], Millis],
        ticks: Callable[[], Millis],
    ) -> None:
        self.state = ReachState(why=OPENING)
        self._probe = probe
        self._every = every
        self._tell = tell
        self._mend = mend
        self._now = now
        self._ticks = ticks
        self._door_open = False
        self._door_problem: str | None = None
        self._log_problem: str | None = None
        self._tunnel = TunnelState()
        self._found: Found | None = None
        self._soon = asyncio.Event()
        self._probed = asyncio.Event()
        self._begun_anew = False
        self._blind_from: Millis | None = None
        self._mend_after: Millis = STUCK

    # what others know

    def door_is(self, *, open_: bool, problem: str | None) -> None:
        """Hear how the door is."""
        if open_ and not self._door_open:
            self.probe_soon()
        self._door_open, self._door_problem = open_, problem
        self._compose()

    def log_is(self, problem: str | None) -> None:
        """Hear why callbacks cannot be stored; None: they can."""
        self._log_problem = problem
        self._compose()

    def address_is(self, public_url: str | None) -> None:
        """Hear under which address the outside reaches us."""
        if public_url != self.state.public_url:
            if public_url is None or self._tunnel.phase in {Phase.OFF, Phase.UP}:
                self._found = None
            self.state = replace(self.state, public_url=public_url)
            self.probe_soon()
        self._compose()

    def tunnel_is(self, tunnel: TunnelState) -> None:
        """Hear how the tunnel is; when it has come up it is probed at once."""
        came_up = tunnel.phase is Phase.UP and self._tunnel.phase is not Phase.UP
        if tunnel.phase in {Phase.WAITING, Phase.MISSING}:
            self._found = _Down(why=tunnel.why)
        elif tunnel.phase is not Phase.UP:
            self._doubt()
        elif came_up and not self._every:
            self._found = None  # that it was down is over, and no probe will ever say so
        self._tunnel = tunnel
        if came_up:
            self.probe_soon()
        self._compose()

    def woke(self) -> None:
        """Hear that the computer slept: what was proved before is proved no more."""
        self._doubt()
        self._compose()
        self.probe_soon()

    def probe_soon(self) -> None:
        """Probe at once; a probe that is under way is begun anew, but not twice in a row: else none might ever end."""
        self._soon.set()

    async def probe_now(self) -> ReachState:
        """Probe and return what was found; at once where nothing can be probed."""
        if self._may_probe:
            self._probed.clear()
            self.probe_soon()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_PROBE):
                    await self._probed.wait()
        return self.state

    # probing

    async def run(self) -> None:
        """Probe until this is cancelled."""
        while True:
            self._soon.clear()
            if self._may_probe:
                await self._probe_once()
                self._mend_stuck()
            if not self._soon.is_set():
                await self._pause()

    @property
    def _may_probe(self) -> bool:
        led_through = self._tunnel.phase in {Phase.OFF, Phase.UP}  # before, it would only find that it is not up
        return bool(self._door_open and self.state.public_url and self._every and led_through)

    async def _probe_once(self) -> None:
        url = self.state.public_url or ""
        probing = asyncio.ensure_future(self._probe(url))
        sooner = asyncio.ensure_future(self._soon.wait())
        try:
            await asyncio.wait(
                {probing} if self._begun_anew else {probing, sooner}, return_when=asyncio.FIRST_COMPLETED
            )
            self._begun_anew = not probing.done()
            if self._begun_anew or url != self.state.public_url or not self._may_probe:  # it is of what was before
                return
            try:
                self._found = found = probing.result()
            except Exception:  # a bug of ours must not stop the receiver, and proves nothing
                _logger.exception("a probe failed")
                self._found = None
                self._compose()
                return
        finally:
            probing.cancel()
            sooner.cancel()
        at = self._now()
        proved = found.reach is Reach.REACHABLE
        self._compose(
            replace(
                self.state,
                probed_at=at,
                reachable_at=at if proved else self.state.reachable_at,
                probe_ms=found.ms if proved else self.state.probe_ms,
            )
        )
        self._probed.set()

    async def _pause(self) -> None:
        pause = self._every or None
        if pause and self._blind_from is not None:
            blind_for = self._ticks() - self._blind_from
            pause = min(pause, OFTEN if blind_for < _MINUTE else SELDOM if blind_for < 10 * _MINUTE else pause)
        try:
            async with asyncio.timeout(pause if self._may_probe else None):
                await self._soon.wait()
        except TimeoutError:
            return

    def _mend_stuck(self) -> None:
        """Start a tunnel again that runs and leads nowhere."""
        if self._found is None or self._found.reach is not Reach.BLIND or self._blind_from is None:
            self._mend_after = STUCK
            return
        up_since = self._tunnel.since if self._tunnel.phase is Phase.UP else None
        if up_since is not None and min(self._ticks() - self._blind_from, self._now() - up_since) >= self._mend_after:
            self._mend_after = min(2 * self._mend_after, MOST_STUCK)
            self._mend("it ran, but probes through it did not come back")

    def _doubt(self) -> None:
        """Forget what was proved; that it is blind stays, until the contrary is proved."""
        if self._found is not None and self._found.reach is not Reach.BLIND:
            self._found = None

    # putting it together

    def _compose(self, state: ReachState | None = None) -> None:
        before = self.state
        reach, why = self._judge()
        state = replace(state or before, reach=reach, why=why)
        if reach is not before.reach or state.since is None:
            # it has been blind since it was last proved not to be
            seen_by_probe = self._door_open and self._log_problem is None and before.reach is Reach.REACHABLE
            proof = before.reachable_at if reach is Reach.BLIND and seen_by_probe else None
            state = replace(state, since=proof or self._now())
        if reach is not Reach.BLIND:
            self._blind_from = None
        elif self._blind_from is None:
            self._blind_from = self._ticks()
        self.state = state
        if state != before:
            self._tell(state)

    def _judge(self) -> tuple[Reach, str | None]:
        if self._log_problem is not None:
            return Reach.BLIND, self._log_problem
        if not self._door_open:
            return (Reach.BLIND, self._door_problem) if self._door_problem else (Reach.UNKNOWN, OPENING)
        if self._found is not None:
            return self._found.reach, self._found.why
        return Reach.UNKNOWN, self._why_unknown()

    def _why_unknown(self) -> str:
        if self._tunnel.phase is Phase.STARTING:
            return TUNNEL_STARTS
        if self.state.public_url is None:
            return NO_ADDRESS
        return FIRST_PROBE if self._every else NOT_PROBED
