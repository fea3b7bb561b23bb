"""Computes the reachability from everything that is known, and decides when to probe.

The rule: trayalert counts as reachable only after a probe has come back with its proof.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import ProbeResult, Reachability, ReachabilityState
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, TunnelState

_SECOND: Millis = 1000
_MINUTE: Millis = 60 * _SECOND

_logger = logging.getLogger(__name__)

_LISTENER = "listener"
"""The name of the listener among the callback sources. Only the listener can be probed."""

NO_ADDRESS = Phrase(
    "No public address is known, so nothing can prove that callbacks get through. Set one up: `trayalert setup`."
)
NOT_PROBED = Phrase("Probes are off (probe_seconds = 0), so nothing proves that callbacks get through.")
FIRST_PROBE = Phrase("The first probe is under way.")
OPENING = Phrase("The door is being opened.")
TUNNEL_STARTS = Phrase("The tunnel is being started.")


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorTiming:
    """The monitor's intervals. Fields of type float are in seconds, and fields of type Millis in milliseconds."""

    fast_interval: float = 2.0
    """Maximum pause between two probes in the first minute of a blind span."""
    slow_interval: float = 5.0
    """Maximum pause between two probes from the second to the tenth minute of a blind span.

    After the tenth minute, the pause is the setting `probe_seconds`.
    """
    probe_timeout: float = 8.0
    """Maximum time for which `probe_now` waits for a result."""
    restart_after: Millis = 30 * _SECOND
    """A running tunnel is restarted if probes through the tunnel have failed for this time.

    Each restart doubles the time until the next restart, up to `max_restart_after`.
    """
    max_restart_after: Millis = 10 * _MINUTE
    """Maximum time between two restarts of a tunnel through which probes keep failing."""


class ReachabilityMonitor:
    """Probes the public URL and computes the reachability from the probes, the sources, the log and the tunnel.

    The monitor runs on the receiver's event loop (`app/receiver.py`). Any thread may read `state`.

    - `probe` sends a probe to a public URL and returns the result.
    - `interval` is the number of seconds between two probes, or 0 if the monitor must never probe. In the first ten
      minutes of a blind span, probes are more frequent (see MonitorTiming).
    - `report` is called with each new state.
    - `restart_tunnel` is called with a reason if probes through a running tunnel keep failing.
    - `now` is the wall clock, and `ticks` is a clock that cannot be set.
    """

    def __init__(
        self,
        *,
        probe: Callable[[str], Awaitable[ProbeResult]],
        interval: float,
        report: Callable[[ReachabilityState], None],
        restart_tunnel: Callable[[str], None],
        now: Callable[[], Millis],
        ticks: Callable[[], Millis],
        timing: MonitorTiming = MonitorTiming(),
    ) -> None:
        self.state = ReachabilityState(why=OPENING)
        self._probe = probe
        self._interval = interval
        self._report = report
        self._restart_tunnel = restart_tunnel
        self._now = now
        self._ticks = ticks
        self._timing = timing
        self._listener_open = False
        self._closed_sources: dict[str, str | None] = {_LISTENER: None}
        self._log_problem: str | None = None
        self._tunnel = TunnelState()
        self._last_result: ProbeResult | None = None
        self._probe_requested = asyncio.Event()
        self._probe_done = asyncio.Event()
        self._probe_restarted = False
        self._blind_since: Millis | None = None
        self._restart_after = timing.restart_after

    def set_listener(self, *, open_: bool, problem: str | None) -> None:
        """Record the state of the listener. If the listener has just opened, probe immediately.

        `problem` is a sentence that says why the listener is closed. `problem` is None for a listener that is open or
        about to open.
        """
        if open_ and not self._listener_open:
            self.request_probe()
        self._listener_open = open_
        self.set_source(_LISTENER, receiving=open_, problem=problem)

    def set_source(self, name: str, *, receiving: bool, problem: str | None) -> None:
        """Record the state of a callback source.

        `problem` is a sentence that says why the source cannot receive. `problem` is None for a source that is
        receiving or starting.
        """
        if receiving:
            self._closed_sources.pop(name, None)
        else:
            self._closed_sources[name] = problem
        self._update()

    def set_log_problem(self, problem: str | None) -> None:
        """Record whether callbacks can be stored.

        `problem` is a sentence that says why callbacks cannot be stored, or None if callbacks can be stored.
        """
        self._log_problem = problem
        self._update()

    def set_public_url(self, public_url: str | None) -> None:
        """Record the public address. If the address has changed, probe immediately.

        `public_url` is None if no public address is known.
        """
        if public_url != self.state.public_url:
            if public_url is None or self._tunnel.phase in {Phase.OFF, Phase.UP}:
                self._last_result = None
            self.state = replace(self.state, public_url=public_url)
            self.request_probe()
        self._update()

    def set_tunnel(self, tunnel: TunnelState) -> None:
        """Record the state of the tunnel. If the tunnel has just come up, probe immediately."""
        came_up = tunnel.phase is Phase.UP and self._tunnel.phase is not Phase.UP
        if tunnel.phase in {Phase.WAITING, Phase.MISSING}:
            self._last_result = ProbeResult(reach=Reachability.BLIND, reason=tunnel.why)
        elif tunnel.phase is not Phase.UP:
            self._discard_proof()
        elif came_up and not self._interval:
            self._last_result = None  # no probe will replace the old result, because probes are off
        self._tunnel = tunnel
        if came_up:
            self.request_probe()
        self._update()

    def on_wake(self) -> None:
        """Discard the proof of earlier probes and probe immediately. Call this method after the computer has slept."""
        self._discard_proof()
        self._update()
        self.request_probe()

    def request_probe(self) -> None:
        """Probe immediately. If a probe is already under way, restart that probe.

        A restarted probe is not restarted a second time. Frequent requests can therefore not delay the result forever.
        """
        self._probe_requested.set()

    async def probe_now(self) -> ReachabilityState:
        """Probe, wait at most `probe_timeout` seconds for the result, and return the state.

        If no probe is possible, return the state immediately.
        """
        if self._may_probe:
            self._probe_done.clear()
            self.request_probe()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.probe_timeout):
                    await self._probe_done.wait()
        return self.state

    async def run(self) -> None:
        """Probe repeatedly until this coroutine is cancelled."""
        while True:
            self._probe_requested.clear()
            if self._may_probe:
                await self._probe_once()
                self._restart_stuck_tunnel()
            if not self._probe_requested.is_set():
                await self._pause()

    @property
    def _may_probe(self) -> bool:
        # while a tunnel is starting or down, a probe would only find that the tunnel is not up
        tunnel_ready = self._tunnel.phase in {Phase.OFF, Phase.UP}
        return bool(self._listener_open and self.state.public_url and self._interval and tunnel_ready)

    async def _probe_once(self) -> None:
        url = self.state.public_url or ""
        probe_task = asyncio.ensure_future(self._probe(url))
        request_task = asyncio.ensure_future(self._probe_requested.wait())
        try:
            await asyncio.wait(
                {probe_task} if self._probe_restarted else {probe_task, request_task},
                return_when=asyncio.FIRST_COMPLETED,
            )
            self._probe_restarted = not probe_task.done()
            if self._probe_restarted or url != self.state.public_url or not self._may_probe:
                return  # the result is missing or belongs to an earlier state
            try:
                self._last_result = result = probe_task.result()
            except Exception:  # a bug in trayalert proves nothing, and must not stop the receiver
                _logger.exception("a probe failed")
                self._last_result = None
                self._update()
                return
        finally:
            probe_task.cancel()
            request_task.cancel()
        state = replace(self.state, probed_at=self._now())
        if result.reach is Reachability.REACHABLE:
            state = replace(state, reachable_at=state.probed_at, probe_ms=result.duration_ms)
        self._update(state)
        self._probe_done.set()

    async def _pause(self) -> None:
        pause = self._interval or None
        if pause and self._blind_since is not None:
            blind_for = self._ticks() - self._blind_since
            if blind_for < 10 * _MINUTE:
                timing = self._timing
                pause = min(pause, timing.fast_interval if blind_for < _MINUTE else timing.slow_interval)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause if self._may_probe else None):
                await self._probe_requested.wait()

    def _restart_stuck_tunnel(self) -> None:
        """Restart the tunnel if probes through the running tunnel have failed for too long."""
        if self._last_result is None or self._last_result.reach is not Reachability.BLIND or self._blind_since is None:
            self._restart_after = self._timing.restart_after
            return
        if self._tunnel.phase is not Phase.UP or self._tunnel.since is None:
            return
        if min(self._ticks() - self._blind_since, self._now() - self._tunnel.since) >= self._restart_after:
            self._restart_after = min(2 * self._restart_after, self._timing.max_restart_after)
            self._restart_tunnel(Phrase("it ran, but probes through it did not come back"))

    def _discard_proof(self) -> None:
        """Discard the result of the latest probe if this result is not `blind`.

        The result `blind` stays valid until a probe succeeds.
        """
        if self._last_result is not None and self._last_result.reach is not Reachability.BLIND:
            self._last_result = None

    def _update(self, state: ReachabilityState | None = None) -> None:
        before = self.state
        reach, reason = self._assess()
        state = replace(state or before, reach=reach, why=reason)
        if reach is not before.reach or state.since is None:
            # if a probe has found that trayalert is blind, the blind span counts from the last successful probe
            storing = not self._closed_sources and self._log_problem is None
            seen_by_probe = storing and before.reach is Reachability.REACHABLE
            proof = before.reachable_at if reach is Reachability.BLIND and seen_by_probe else None
            state = replace(state, since=proof or self._now())
        if reach is not Reachability.BLIND:
            self._blind_since = None
        elif self._blind_since is None:
            self._blind_since = self._ticks()
        self.state = state
        if state != before:
            self._report(state)

    def _assess(self) -> tuple[Reachability, str | None]:
        if self._log_problem is not None:
            return Reachability.BLIND, self._log_problem
        if self._closed_sources:
            problem = next(filter(None, self._closed_sources.values()), None)
            return (Reachability.BLIND, problem) if problem else (Reachability.UNKNOWN, OPENING)
        if self._last_result is not None:
            return self._last_result.reach, self._last_result.reason
        return Reachability.UNKNOWN, self._unknown_reason()

    def _unknown_reason(self) -> str:
        if self._tunnel.phase is Phase.STARTING:
            return TUNNEL_STARTS
        if self.state.public_url is None:
            return NO_ADDRESS
        return FIRST_PROBE if self._interval else NOT_PROBED
