"""Reach put together: green is only what a probe has just proved."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.reachability import monitor
from trayalert.services.reachability.monitor import NO_ADDRESS, NOT_PROBED, OPENING, Reaching

URL = "https://alerts.example.com"
MINUTE = 60_000


@dataclass(frozen=True)
class Answer:
    reach: Reach
    why: str | None = None
    ms: int | None = 3


GOOD, BAD = Answer(Reach.REACHABLE), Answer(Reach.BLIND, "Nobody answers.")


@dataclass
class World:
    """A probe whose answers the test gives, and clocks that it sets."""

    answer: Answer | None = GOOD
    """None: no answer comes."""
    clock: int = 1_790_000_000_000
    asked: list[str] = field(default_factory=list)
    told: list[ReachState] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    reaching: Reaching = field(init=False)

    def make(self, every: float) -> Reaching:
        self.reaching = Reaching(
            probe=self.probe,
            every=every,
            tell=self.told.append,
            mend=self.mend,
            now=lambda: self.clock,
            ticks=lambda: self.clock,
        )
        return self.reaching

    async def probe(self, url: str) -> Answer:
        self.asked.append(url)
        while self.answer is None:  # noqa: ASYNC110 - the test sets it
            await asyncio.sleep(0)
        return self.answer

    def mend(self, why: str) -> None:
        self.mended.append(why)
        self.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.STARTING))
        self.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.UP, since=self.clock))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0)

    async def is_(self, reach: Reach) -> ReachState:
        await self.until(lambda: self.reaching.state.reach is reach)
        return self.reaching.state

    async def probed_again(self) -> None:
        before = len(self.asked)
        self.reaching.probe_soon()
        await self.until(lambda: len(self.asked) > before)
        await self.until(lambda: self.answer is None or self.reaching.state.why == self.answer.why)


@asynccontextmanager
async def running(*, every: float = 60, url: str | None = URL, answer: Answer | None = GOOD) -> AsyncIterator[World]:
    world = World(answer=answer)
    one = world.make(every)
    task = asyncio.create_task(one.run())
    one.address_is(url)
    one.door_is(open_=True, problem=None)
    try:
        yield world
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_nothing_is_green_before_a_probe_came_back() -> None:
    async with running(answer=None) as world:
        await world.until(lambda: world.asked == [URL])
        assert world.reaching.state.reach is Reach.UNKNOWN
        world.answer = GOOD
        state = await world.is_(Reach.REACHABLE)
        assert (state.since, state.probed_at, state.reachable_at, state.probe_ms) == (*[world.clock] * 3, 3)


@pytest.mark.parametrize(("every", "url", "why"), [(60, None, NO_ADDRESS), (0, URL, NOT_PROBED)])
async def test_what_is_not_probed_is_unknown_and_says_why(every: float, url: str | None, why: str) -> None:
    async with running(every=every, url=url) as world:
        assert (world.reaching.state.reach, world.reaching.state.why) == (Reach.UNKNOWN, why)
        assert await world.reaching.probe_now() is world.reaching.state
        assert world.asked == []


async def test_it_is_blind_since_it_was_last_proved_not_to_be() -> None:
    async with running() as world:
        proved = (await world.is_(Reach.REACHABLE)).reachable_at
        world.clock += MINUTE
        world.answer = BAD
        world.reaching.probe_soon()
        state = await world.is_(Reach.BLIND)
        assert (state.since, state.why) == (proved, BAD.why)
        world.clock += MINUTE
        world.answer = GOOD
        assert (await world.is_(Reach.REACHABLE)).since == world.clock


async def test_a_shut_door_and_a_log_that_cannot_store_are_blind_at_once_whatever_a_probe_says() -> None:
    async with running() as world:
        await world.is_(Reach.REACHABLE)
        world.clock += MINUTE
        world.reaching.log_is("The disk is full.")
        state = world.reaching.state
        assert (state.reach, state.why, state.since) == (Reach.BLIND, "The disk is full.", world.clock)
        world.reaching.log_is(None)
        assert world.reaching.state.reach is Reach.REACHABLE
        world.reaching.door_is(open_=False, problem="The port is taken.")
        assert (world.reaching.state.reach, world.reaching.state.why) == (Reach.BLIND, "The port is taken.")


async def test_a_door_that_is_being_opened_is_not_blind_yet() -> None:
    world = World()
    assert (world.make(60).state.reach, world.reaching.state.why) == (Reach.UNKNOWN, OPENING)


async def test_sleep_and_another_address_take_the_proof_away() -> None:
    async with running() as world:
        await world.is_(Reach.REACHABLE)
        world.answer = None
        world.reaching.woke()
        assert world.reaching.state.reach is Reach.UNKNOWN
        world.answer = GOOD
        await world.is_(Reach.REACHABLE)
        world.answer = None
        world.reaching.address_is("https://other.example.com")
        assert world.reaching.state.reach is Reach.UNKNOWN
        world.answer = BAD
        await world.is_(Reach.BLIND)
        world.answer = None
        world.reaching.woke()
        assert world.told[-1].reach is Reach.BLIND, "until the contrary is proved"


async def test_a_tunnel_that_is_down_is_blind_at_once_and_one_that_comes_up_is_probed_at_once() -> None:
    async with running() as world:
        world.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.is_(Reach.REACHABLE)
        world.answer = None
        world.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.WAITING, why="Connection refused."))
        assert (world.reaching.state.reach, world.reaching.state.why) == (Reach.BLIND, "Connection refused.")
        world.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.STARTING))
        assert world.reaching.state.reach is not Reach.REACHABLE
        asked = len(world.asked)
        world.answer = GOOD
        world.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.is_(Reach.REACHABLE)
        assert len(world.asked) > asked


async def test_whoever_asks_for_probes_all_the_time_keeps_none_from_its_end() -> None:
    async with running() as world:
        await world.is_(Reach.REACHABLE)

        async def slow(_: str) -> Answer:
            for _turn in range(20):
                await asyncio.sleep(0)
            return BAD

        def found_though_asked_again() -> bool:
            world.reaching.probe_soon()
            return world.reaching.state.reach is Reach.BLIND

        world.reaching._probe = slow
        await world.until(found_though_asked_again)


async def test_a_probe_that_was_under_way_when_the_tunnel_ended_proves_nothing() -> None:
    async with running() as world:
        world.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.is_(Reach.REACHABLE)
        world.answer = None
        asked = len(world.asked)
        world.reaching.probe_soon()
        await world.until(lambda: len(world.asked) > asked)
        world.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.WAITING, why="Connection refused."))
        world.answer = GOOD
        for _ in range(10):
            await asyncio.sleep(0)
        assert world.reaching.state.reach is Reach.BLIND


async def test_without_probes_a_tunnel_that_is_up_again_is_not_blind_for_ever() -> None:
    async with running(every=0) as world:
        for phase, reach in ((Phase.WAITING, Reach.BLIND), (Phase.STARTING, Reach.BLIND), (Phase.UP, Reach.UNKNOWN)):
            world.reaching.tunnel_is(TunnelState(kind="ssh", phase=phase, why="It ended."))
            assert world.reaching.state.reach is reach
        assert (world.reaching.state.why, world.asked) == (NOT_PROBED, [])


async def test_while_it_is_blind_it_is_probed_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "OFTEN", 0.01)
    async with running(answer=BAD) as world:
        await world.until(lambda: len(world.asked) > 3)
        world.clock += 11 * MINUTE
        asked = len(world.asked)
        await world.probed_again()
        await asyncio.sleep(0)
        assert len(world.asked) <= asked + 3, "for long it is as often as set"


async def test_a_tunnel_that_runs_and_leads_nowhere_is_started_again_ever_more_seldom() -> None:
    async with running(answer=BAD) as world:
        world.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.is_(Reach.BLIND)
        for seconds, times in ((20, 0), (11, 1), (20, 1), (40, 2), (60, 2), (61, 3)):
            world.clock += seconds * 1000
            await world.probed_again()
            await world.until(lambda: world.reaching.state.probed_at == world.clock)
            await asyncio.sleep(0)
            assert len(world.mended) == times, seconds


async def test_a_tunnel_is_not_to_blame_for_a_full_disk() -> None:
    async with running() as world:
        world.reaching.tunnel_is(TunnelState(kind="ssh", phase=Phase.UP, since=world.clock))
        await world.is_(Reach.REACHABLE)
        world.reaching.log_is("The disk is full.")
        world.clock += MINUTE
        world.reaching.probe_soon()
        await world.until(lambda: world.reaching.state.probed_at == world.clock)
        assert world.mended == []


async def test_a_bug_in_a_probe_proves_nothing_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as world:
        await world.is_(Reach.REACHABLE)

        async def broken(_: str) -> Answer:
            raise ZeroDivisionError

        world.reaching._probe = broken
        world.reaching.probe_soon()
        await world.is_(Reach.UNKNOWN)
        assert "a probe failed" in caplog.text
        world.reaching._probe = world.probe
        world.answer = BAD
        world.reaching.probe_soon()
        await world.is_(Reach.BLIND)
    caplog.clear()
