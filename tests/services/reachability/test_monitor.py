"""The reachability state that the monitor derives: reachable is only what a probe has just proved."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from trayalert.domain.reachability import ProbeResult, Reachability, ReachabilityState
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.reachability.monitor import (
    NO_ADDRESS,
    NOT_PROBED,
    OPENING,
    MonitorTiming,
    ReachabilityMonitor,
)

URL = "https://alerts.example.com"
MINUTE = 60_000
DEFAULT_TIMING = MonitorTiming()


GOOD = ProbeResult(reach=Reachability.REACHABLE, duration_ms=3)
BAD = ProbeResult(reach=Reachability.BLIND, reason="Nobody answers.", duration_ms=3)


@dataclass
class World:
    """A monitor, a probe whose results the test sets, and a clock that the test sets."""

    outcome: ProbeResult | None = GOOD
    """The result of each probe, or None if the probe must wait for a result."""
    probe_with: Callable[[str], Awaitable[ProbeResult]] | None = None
    """If set, this function makes the result of each probe, and `outcome` is not used."""
    timing: MonitorTiming = DEFAULT_TIMING
    clock: int = 1_790_000_000_000
    probed: list[str] = field(default_factory=list)
    reported: list[ReachabilityState] = field(default_factory=list)
    restart_reasons: list[str] = field(default_factory=list)
    monitor: ReachabilityMonitor = field(init=False)

    def make(self, interval: float) -> ReachabilityMonitor:
        self.monitor = ReachabilityMonitor(
            probe=self.probe,
            interval=interval,
            report=self.reported.append,
            restart_tunnel=self.restart_tunnel,
            now=lambda: self.clock,
            ticks=lambda: self.clock,
            timing=self.timing,
        )
        return self.monitor

    async def probe(self, url: str) -> ProbeResult:
        self.probed.append(url)
        if self.probe_with:
            return await self.probe_with(url)
        while self.outcome is None:  # noqa: ASYNC110 - the test sets `outcome`, and no event says so
            await asyncio.sleep(0)
        return self.outcome

    def restart_tunnel(self, reason: str) -> None:
        self.restart_reasons.append(reason)
        self.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.STARTING))
        self.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.UP, since=self.clock))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - any condition, so no event announces it
                await asyncio.sleep(0)

    async def until_reach(self, reach: Reachability) -> ReachabilityState:
        await self.until(lambda: self.monitor.state.reach is reach)
        return self.monitor.state

    async def probe_again(self) -> None:
        before = len(self.probed)
        self.monitor.request_probe()
        await self.until(lambda: len(self.probed) > before)
        await self.until(lambda: self.outcome is None or self.monitor.state.why == self.outcome.reason)


@asynccontextmanager
async def running(
    *,
    every: float = 60,
    url: str | None = URL,
    answer: ProbeResult | None = GOOD,
    timing: MonitorTiming = DEFAULT_TIMING,
) -> AsyncIterator[World]:
    world = World(outcome=answer, timing=timing)
    one = world.make(every)
    task = asyncio.create_task(one.run())
    one.set_public_url(url)
    one.set_listener(open_=True, problem=None)
    try:
        yield world
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_nothing_is_green_before_a_probe_came_back() -> None:
    async with running(answer=None) as world:
        await world.until(lambda: world.probed == [URL])
        assert world.monitor.state.reach is Reachability.UNKNOWN
        world.outcome = GOOD
        state = await world.until_reach(Reachability.REACHABLE)
        assert (state.since, state.probed_at, state.reachable_at, state.probe_ms) == (*[world.clock] * 3, 3)


@pytest.mark.parametrize(("every", "url", "why"), [(60, None, NO_ADDRESS), (0, URL, NOT_PROBED)])
async def test_what_is_not_probed_is_unknown_and_says_why(every: float, url: str | None, why: str) -> None:
    async with running(every=every, url=url) as world:
        assert (world.monitor.state.reach, world.monitor.state.why) == (Reachability.UNKNOWN, why)
        assert await world.monitor.probe_now() is world.monitor.state
        assert world.probed == []


async def test_it_is_blind_since_it_was_last_proved_not_to_be() -> None:
    async with running() as world:
        proved = (await world.until_reach(Reachability.REACHABLE)).reachable_at
        world.clock += MINUTE
        world.outcome = BAD
        world.monitor.request_probe()
        state = await world.until_reach(Reachability.BLIND)
        assert (state.since, state.why) == (proved, BAD.reason)
        world.clock += MINUTE
        world.outcome = GOOD
        assert (await world.until_reach(Reachability.REACHABLE)).since == world.clock


async def test_a_shut_door_and_a_log_that_cannot_store_are_blind_at_once_whatever_a_probe_says() -> None:
    async with running() as world:
        await world.until_reach(Reachability.REACHABLE)
        world.clock += MINUTE
        world.monitor.set_log_problem("The disk is full.")
        state = world.monitor.state
        assert (state.reach, state.why, state.since) == (Reachability.BLIND, "The disk is full.", world.clock)
        world.monitor.set_log_problem(None)
        assert world.monitor.state.reach is Reachability.REACHABLE
        world.monitor.set_listener(open_=False, problem="The port is taken.")
        assert (world.monitor.state.reach, world.monitor.state.why) == (Reachability.BLIND, "The port is taken.")


async def test_a_door_that_is_being_opened_is_not_blind_yet() -> None:
    world = World()
    assert (world.make(60).state.reach, world.monitor.state.why) == (Reachability.UNKNOWN, OPENING)


async def test_sleep_and_another_address_take_the_proof_away() -> None:
    async with running() as world:
        await world.until_reach(Reachability.REACHABLE)
        world.outcome = None
        world.monitor.on_wake()
        assert world.monitor.state.reach is Reachability.UNKNOWN
        world.outcome = GOOD
        await world.until_reach(Reachability.REACHABLE)
        world.outcome = None
        world.monitor.set_public_url("https://other.example.com")
        assert world.monitor.state.reach is Reachability.UNKNOWN
        world.outcome = BAD
        await world.until_reach(Reachability.BLIND)
        world.outcome = None
        world.monitor.on_wake()
        assert world.reported[-1].reach is Reachability.BLIND, "until the contrary is proved"


async def test_a_tunnel_that_is_down_is_blind_at_once_and_one_that_comes_up_is_probed_at_once() -> None:
    async with running() as world:
        world.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.until_reach(Reachability.REACHABLE)
        world.outcome = None
        world.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.WAITING, why="Connection refused."))
        assert (world.monitor.state.reach, world.monitor.state.why) == (Reachability.BLIND, "Connection refused.")
        world.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.STARTING))
        assert world.monitor.state.reach is not Reachability.REACHABLE
        probes_before = len(world.probed)
        world.outcome = GOOD
        world.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.until_reach(Reachability.REACHABLE)
        assert len(world.probed) > probes_before


async def test_whoever_asks_for_probes_all_the_time_keeps_none_from_its_end() -> None:
    async with running() as world:
        await world.until_reach(Reachability.REACHABLE)

        async def slow(_: str) -> ProbeResult:
            for _turn in range(20):
                await asyncio.sleep(0)
            return BAD

        def blind_despite_requests() -> bool:
            world.monitor.request_probe()
            return world.monitor.state.reach is Reachability.BLIND

        world.probe_with = slow
        await world.until(blind_despite_requests)


async def test_a_probe_that_was_under_way_when_the_tunnel_ended_proves_nothing() -> None:
    async with running() as world:
        world.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.until_reach(Reachability.REACHABLE)
        world.outcome = None
        probes_before = len(world.probed)
        world.monitor.request_probe()
        await world.until(lambda: len(world.probed) > probes_before)
        world.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.WAITING, why="Connection refused."))
        world.outcome = GOOD
        for _ in range(10):
            await asyncio.sleep(0)
        assert world.monitor.state.reach is Reachability.BLIND


async def test_without_probes_a_tunnel_that_is_up_again_is_not_blind_for_ever() -> None:
    async with running(every=0) as world:
        for phase, reach in (
            (Phase.WAITING, Reachability.BLIND),
            (Phase.STARTING, Reachability.BLIND),
            (Phase.UP, Reachability.UNKNOWN),
        ):
            world.monitor.set_tunnel(TunnelState(kind="ssh", phase=phase, why="It ended."))
            assert world.monitor.state.reach is reach
        assert (world.monitor.state.why, world.probed) == (NOT_PROBED, [])


async def test_while_it_is_blind_it_is_probed_more_often() -> None:
    async with running(answer=BAD, timing=MonitorTiming(fast_interval=0.01)) as world:
        await world.until(lambda: len(world.probed) > 3)
        world.clock += 11 * MINUTE
        probes_before = len(world.probed)
        await world.probe_again()
        await asyncio.sleep(0)
        assert len(world.probed) <= probes_before + 3, "for long it is as often as set"


async def test_a_tunnel_that_runs_and_leads_nowhere_is_started_again_ever_more_seldom() -> None:
    async with running(answer=BAD) as world:
        world.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.until_reach(Reachability.BLIND)
        for seconds, times in ((20, 0), (11, 1), (20, 1), (40, 2), (60, 2), (61, 3)):
            world.clock += seconds * 1000
            await world.probe_again()
            await world.until(lambda: world.monitor.state.probed_at == world.clock)
            await asyncio.sleep(0)
            assert len(world.restart_reasons) == times, seconds


async def test_a_tunnel_is_not_to_blame_for_a_full_disk() -> None:
    async with running() as world:
        world.monitor.set_tunnel(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.until_reach(Reachability.REACHABLE)
        world.monitor.set_log_problem("The disk is full.")
        world.clock += MINUTE
        world.monitor.request_probe()
        await world.until(lambda: world.monitor.state.probed_at == world.clock)
        assert world.restart_reasons == []


async def test_a_bug_in_a_probe_proves_nothing_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as world:
        await world.until_reach(Reachability.REACHABLE)

        async def broken(_: str) -> ProbeResult:
            raise ZeroDivisionError

        world.probe_with = broken
        world.monitor.request_probe()
        await world.until_reach(Reachability.UNKNOWN)
        assert "a probe failed" in caplog.text
        world.probe_with = None
        world.outcome = BAD
        world.monitor.request_probe()
        await world.until_reach(Reachability.BLIND)
    caplog.clear()
