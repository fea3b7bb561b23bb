"""The receiver with channels and sources of the tests, without Qt, as `serve` runs it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.program import post
from tests.services.notify.channels import HangingChannel, MemoryChannel, until
from tests.storage.making import rows
from trayalert.app.control.control_replies import REPLIES
from trayalert.app.diagnostics.crashes import innermost
from trayalert.app.platform.places import find_places
from trayalert.app.receiver import Plan, Receiver
from trayalert.domain.callback import Callback, Receive
from trayalert.domain.fault import Fault
from trayalert.domain.notification import incident_tag
from trayalert.domain.reachability import Reachability
from trayalert.domain.settings.settings import Settings
from trayalert.services.access.secrets import Secrets
from trayalert.services.simulator.client import sample_body
from trayalert.services.simulator.payloads import simulated_request
from trayalert.services.sources.source import Source, SourceState


def make_plan(tmp_path: Path) -> Plan:
    places = find_places(str(tmp_path))
    settings = replace(Settings(), port=0, language="en")
    return Plan(places=places, settings=settings, problems=(), secrets=Secrets(places.secrets), mode="serve")


@asynccontextmanager
async def receiving(plan: Plan, *sources: Source) -> AsyncIterator[Receiver]:
    """Run a receiver, and yield it when its listener is open."""
    receiver = Receiver(plan, announce=lambda _: None, replies=REPLIES, sources=sources)
    running = asyncio.create_task(receiver.run())
    await until(lambda: receiver.listener_state.open or running.done())
    try:
        yield receiver
    finally:
        receiver.end()
        await running


async def send(receiver: Receiver, *, name: str = "ecs-cpu", recover: bool = False, at: int | None = None) -> int:
    body = simulated_request(sample_body(name), now=at, recover=recover).body
    url = f"{receiver.listener_state.url}/hook/{receiver.plan.secrets.current}"
    return await asyncio.to_thread(post, url, body)


class MemoryQueue:
    """A source that receives bodies from a queue in memory, and acknowledges each body that is stored."""

    def __init__(self, name: str = "queue in memory") -> None:
        self.name = name
        self.state = SourceState(receiving=False)
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.acknowledged: list[bytes] = []
        self.closed_cleanly = False
        self._on_change: Callable[[], None] = lambda: None

    async def run(self, receive: Receive, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self.set_state(receiving=True)
        try:
            while True:
                body = await self.messages.get()
                if await receive(Callback(received_at=1_795_000_000_000, method="QUEUE", body=body)):
                    self.acknowledged.append(body)
        finally:
            self.closed_cleanly = True

    def set_state(self, *, receiving: bool, problem: str | None = None) -> None:
        self.state = SourceState(receiving=receiving, problem=problem)
        self._on_change()


async def test_a_channel_of_serve_is_told_of_an_incident_and_of_its_end(tmp_path: Path) -> None:
    channel = MemoryChannel()
    async with receiving(make_plan(tmp_path)) as receiver:
        receiver.attach(channel)
        assert await send(receiver, at=1_795_000_000_000) == 200
        await until(lambda: channel.shown_tags == [incident_tag(1)])
        (notification,) = channel.shown
        assert await send(receiver, at=1_795_000_060_000, recover=True) == 200
        await until(lambda: channel.withdrawn_tags == [incident_tag(1)])

    assert (notification.title, notification.button) == ("CRITICAL: ECS CPU high", "Open in console")
    assert [page for page, _ in notification.more_buttons] == ["chart"]


async def test_a_channel_that_hangs_or_fails_costs_no_answer_and_no_other_channel(tmp_path: Path) -> None:
    hanging, other = HangingChannel(), MemoryChannel()
    async with receiving(make_plan(tmp_path)) as receiver:
        receiver.attach(hanging)
        receiver.attach(other)
        for number in range(5):
            assert await send(receiver, at=1_795_000_000_000 + number) == 200
        assert await send(receiver, name="ecs-disk", at=1_795_000_000_000) == 200
        await until(lambda: other.shown_tags == [incident_tag(1), incident_tag(2)])
        assert hanging.shown_tags == [incident_tag(1)]


async def test_a_channel_that_comes_late_is_told_that_the_listener_is_closed(tmp_path: Path) -> None:
    channel = MemoryChannel()
    plan = make_plan(tmp_path)
    async with receiving(plan) as first:
        port = first.listener_state.port
        (tmp_path / "other").mkdir()
        other = replace(make_plan(tmp_path / "other"), settings=replace(plan.settings, port=port))
        second = Receiver(other, announce=lambda _: None, replies=REPLIES, show=lambda _: None)
        running = asyncio.create_task(second.run())
        await until(lambda: second.listener_state.problem)
        second.attach(channel)
        await until(lambda: channel.shown_tags == ["door"])
        second.end()
        await running


async def test_a_second_source_stores_what_it_acknowledges_and_notifies(tmp_path: Path) -> None:
    queue, channel = MemoryQueue(), MemoryChannel()
    async with receiving(make_plan(tmp_path), queue) as receiver:
        receiver.attach(channel)
        queue.messages.put_nowait(sample_body("ecs-cpu"))
        await until(lambda: queue.acknowledged)
        assert rows(receiver.plan.places.log, "SELECT method FROM delivery") == [("QUEUE",)]
        await until(lambda: channel.shown_tags == [incident_tag(1)])
        assert await send(receiver, name="ecs-disk") == 200
        await until(lambda: channel.shown_tags == [incident_tag(1), incident_tag(2)])
    assert queue.closed_cleanly


async def test_a_source_that_cannot_receive_makes_it_blind_for_its_reason_until_it_can(tmp_path: Path) -> None:
    queue = MemoryQueue()
    async with receiving(make_plan(tmp_path), queue) as receiver:
        await until(lambda: queue.state.receiving)
        assert receiver.reach.reach is Reachability.UNKNOWN
        queue.set_state(receiving=False, problem="The queue refuses the access key.")
        assert (receiver.reach.reach, receiver.reach.why) == (Reachability.BLIND, "The queue refuses the access key.")
        queue.set_state(receiving=True)
        assert receiver.reach.reach is Reachability.UNKNOWN


async def test_what_a_source_raises_ends_the_receiver_and_closes_the_others(tmp_path: Path) -> None:
    class BrokenQueue(MemoryQueue):
        async def run(self, receive: Receive, on_change: Callable[[], None]) -> None:
            await self.messages.get()
            raise Fault("The queue is gone.")

    broken, queue = BrokenQueue("broken"), MemoryQueue()
    receiver = Receiver(make_plan(tmp_path), announce=lambda _: None, replies=REPLIES, sources=(broken, queue))
    running = asyncio.create_task(receiver.run())
    await until(lambda: receiver.listener_state.open and queue.state.receiving)
    broken.messages.put_nowait(b"")
    with pytest.raises(Fault, match="The queue is gone"):
        await running
    assert queue.closed_cleanly


async def test_a_source_that_ends_by_itself_ends_the_receiver_as_nothing_would_tell_of_it(tmp_path: Path) -> None:
    class EndingQueue(MemoryQueue):
        async def run(self, receive: Receive, on_change: Callable[[], None]) -> None: ...

    receiver = Receiver(make_plan(tmp_path), announce=lambda _: None, replies=REPLIES, sources=(EndingQueue(),))
    with pytest.raises(ExceptionGroup) as raised:
        await receiver.run()
    assert "the source queue in memory has ended by itself" in str(innermost(raised.value))
