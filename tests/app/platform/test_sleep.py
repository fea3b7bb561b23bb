"""Sleeps and freezes, noticed by the clocks, and reported by a stand-in for logind on a private bus."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from tests.desktop.harness.session_bus import SessionBus
from tests.program import DEADLINE, environment, serving, wait_for
from tests.storage.making import HOUR, MINUTE, NOON, until
from trayalert import clock
from trayalert.app.platform.logind import watch_logind
from trayalert.app.platform.sleep import SleepTiming, SleepWatch
from trayalert.dbus_client import bus_call, reply_body

LOGIND = "org.freedesktop.login1"


@dataclass
class World:
    """The wall clock, the ticks, the sleeps that were reported, and the signals of logind that were handled.

    The sleep watch reads the clocks every 2 ms.
    """

    wall: int = NOON
    steady: int = 5_000
    looks: int = 0
    reported: list[tuple[int, int]] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    on_sleep: Callable[[], None] = field(init=False)
    on_wake: Callable[[], None] = field(init=False)

    def ticks(self) -> int:
        self.looks += 1
        return self.steady

    def sleep_watch(self) -> SleepWatch:
        return SleepWatch(
            now=lambda: self.wall,
            ticks=self.ticks,
            on_slept=lambda *span: self.reported.append(span),
            watch_signals=self.watch_signals,
            timing=SleepTiming(interval=2),
        )

    async def watch_signals(self, on_sleep: Callable[[], None], on_wake: Callable[[], None]) -> None:
        """Pass the signals of logind on. A test may also call `on_sleep` and `on_wake` itself."""

        def counted(name: str, on_signal: Callable[[], None]) -> Callable[[], None]:
            def on() -> None:
                on_signal()
                self.signals.append(name)

            return on

        self.on_sleep, self.on_wake = on_sleep, on_wake
        await watch_logind(counted("sleep", on_sleep), counted("wake", on_wake), retry_seconds=0.02)

    def go_on(self, by: int) -> None:
        self.wall += by
        self.steady += by

    async def look(self) -> None:
        """Wait until the sleep watch has read the clocks several times more."""
        seen = self.looks
        await until(lambda: self.looks > seen + 3)


@asynccontextmanager
async def running(sleep_watch: SleepWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(sleep_watch.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world without a system bus."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    return World()


# ---- sleeps that the clocks show


async def test_a_sleep_is_seen_by_the_clock_and_told_once(world: World) -> None:
    async with running(world.sleep_watch()):
        await world.look()
        world.go_on(HOUR)
        await until(lambda: world.reported)
        await world.look()

    assert world.reported == [(NOON, NOON + HOUR)]


async def test_a_clock_that_was_set_shows_no_sleep(world: World) -> None:
    async with running(world.sleep_watch()):
        for by in (HOUR, -2 * HOUR):
            world.wall += by
            await world.look()

    assert world.reported == []


async def test_a_clock_that_was_set_hides_no_sleep(world: World) -> None:
    async with running(world.sleep_watch()):
        await world.look()
        world.go_on(HOUR)
        world.wall -= HOUR
        await until(lambda: world.reported)

    assert world.reported == [(NOON - HOUR, NOON)]  # the sleep has its real length, and ends now


async def test_a_busy_computer_is_not_asleep(world: World) -> None:
    async with running(world.sleep_watch()):
        for _ in range(3):
            world.go_on(SleepTiming().lateness)
            await world.look()

    assert world.reported == []


async def test_a_loop_that_was_blocked_stood_still(world: World) -> None:
    sleep_watch = SleepWatch(
        now=clock.now,
        ticks=clock.ticks,
        on_slept=lambda *span: world.reported.append(span),
        timing=SleepTiming(interval=2, lateness=200),
    )
    async with running(sleep_watch):
        await asyncio.sleep(0.02)
        time.sleep(0.01)  # noqa: ASYNC251 - both clocks are cut to milliseconds: block the loop before `begun` is read
        begun = clock.now()
        time.sleep(0.4)  # noqa: ASYNC251 - blocks the event loop on purpose
        await until(lambda: world.reported and world.reported[-1][1] >= begun + 400)

    began_at, ended_at = world.reported[-1]
    assert begun - 300 < began_at <= begun
    assert 400 <= ended_at - began_at < 2000


FROZEN = """
import asyncio, sys
from trayalert import clock
from trayalert.app.platform.sleep import SleepTiming, SleepWatch
print("awake", "dbus_fast" in sys.modules, flush=True)
report = lambda began, ended: print(began, ended, "dbus_fast" in sys.modules, flush=True)
readings = 0
def ticks():
    global readings
    readings += 1
    if readings == 3:
        print("watching", flush=True)
    return clock.ticks()
async def main():
    timing = SleepTiming(interval=50, lateness=500)
    await SleepWatch(now=clock.now, ticks=ticks, on_slept=report, timing=timing).run()
asyncio.run(main())
"""


def test_a_process_that_was_frozen_counts_it_and_loads_no_bus_where_there_is_none() -> None:
    nowhere = environment(DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere")
    with subprocess.Popen(
        [sys.executable, "-c", FROZEN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=nowhere
    ) as frozen:
        assert frozen.stdout
        assert [frozen.stdout.readline() for _ in range(2)] == ["awake False\n", "watching\n"]
        frozen.send_signal(signal.SIGSTOP)
        stopped = clock.now()
        wait_for(lambda: clock.now() >= stopped + 1000)  # the length of the freeze
        frozen.send_signal(signal.SIGCONT)
        began_at, ended_at, bus = frozen.stdout.readline().split()
        frozen.send_signal(signal.SIGTERM)
        _, complaints = frozen.communicate(timeout=DEADLINE)

    assert (bus, complaints) == ("False", "")
    assert stopped - 600 < int(began_at) <= stopped + 100
    assert 900 <= int(ended_at) - int(began_at) < 3000


# ---- sleeps that logind reports


@dataclass
class Logind:
    """A program on the bus that sends the signals of logind."""

    bus: MessageBus

    async def emit(self, going: Any, *, signature: str = "b", member: str = "PrepareForSleep") -> None:
        """Send a signal of logind, by default PrepareForSleep. Return when the bus has received the signal."""
        path, interface = "/org/freedesktop/login1", f"{LOGIND}.Manager"
        await self.bus.send(Message.new_signal(path, interface, member, signature, [going]))
        await self.bus.call(bus_call("GetId"))


@asynccontextmanager
async def on_bus(address: str, *, name: str | None = LOGIND) -> AsyncIterator[Logind]:
    bus = await MessageBus(bus_address=address).connect()
    if name:
        reply_body(await bus.call(bus_call("RequestName", "su", name, 4)))
    try:
        yield Logind(bus)
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionBus]:
    with tempfile.TemporaryDirectory(prefix="bus") as folder:
        bus = SessionBus(Path(folder), os.environ)
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        yield bus
        bus.stop()


async def wait_until_heeded(by: Logind, world: World) -> None:
    """Send PrepareForSleep(true) again and again until the sleep watch has subscribed and handled that signal.

    Afterwards, PrepareForSleep(true) is the last signal that the sleep watch has handled.
    """
    world.signals.clear()
    async with asyncio.timeout(5):
        while not world.signals:
            await by.emit(going=True)
    await by.emit(going=False)  # when this signal has been handled, all earlier signals have been, too
    await until(lambda: world.signals[-1] == "wake")
    await by.emit(going=True)
    await until(lambda: world.signals[-1] == "sleep")


async def test_a_sleep_that_logind_tells_is_exact_and_told_once(world: World, bus: SessionBus) -> None:
    async with on_bus(bus.address) as login, running(world.sleep_watch()):
        await wait_until_heeded(login, world)
        world.go_on(3_000)  # too short to be noticed by the clocks
        await login.emit(going=False)
        await until(lambda: world.reported)
        await world.look()

    assert world.reported == [(NOON, NOON + 3_000)]


@pytest.mark.parametrize("first", ["clock", "logind"])
async def test_both_sources_tell_one_sleep_once(world: World, bus: SessionBus, first: str) -> None:
    async with on_bus(bus.address) as login, running(world.sleep_watch()):
        await wait_until_heeded(login, world)
        world.go_on(4_000)  # the time between the signal and the sleep
        await world.look()
        world.go_on(HOUR)
        if first == "logind":
            world.on_wake()
        await until(lambda: world.reported)
        await login.emit(going=False)
        await world.look()

    assert world.reported == [(NOON, NOON + 4_000 + HOUR)]


async def test_what_is_heard_only_behind_the_sleep_is_told_once(world: World) -> None:
    async with running(world.sleep_watch()):
        await world.look()
        world.go_on(HOUR)
        world.on_sleep()
        world.on_wake()
        await world.look()

    assert world.reported == [(NOON, NOON + HOUR)]


async def test_a_sleep_that_was_called_off_is_none(world: World) -> None:
    async with running(world.sleep_watch()):
        await world.look()
        world.on_sleep()
        world.on_wake()
        world.on_sleep()
        for _ in range(20):  # logind sends no signal that says that the sleep was called off
            world.go_on(5_000)
            await world.look()
        world.on_wake()
        assert world.reported == []

        world.go_on(MINUTE)
        await until(lambda: world.reported)
    assert world.reported == [(NOON + 100_000, NOON + 160_000)]


async def test_only_logind_is_heard_and_only_what_it_says_of_sleep(bus: SessionBus) -> None:
    received: list[str] = []
    watching = asyncio.create_task(
        watch_logind(lambda: received.append("going"), lambda: received.append("back"), retry_seconds=0.02)
    )
    async with on_bus(bus.address) as login, on_bus(bus.address, name=None) as stranger:
        async with asyncio.timeout(5):
            while not received:
                await login.emit(going=True)
        received.clear()
        await stranger.emit(going=True)
        await login.emit(going=True, member="PrepareForShutdown")
        await login.emit("yes", signature="s")
        await login.emit(going=False)
        await until(lambda: "back" in received)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching

    assert received == ["back"]


async def test_a_bus_that_dies_is_found_again_without_a_word(
    world: World, bus: SessionBus, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running(world.sleep_watch()):
        async with on_bus(bus.address) as login:
            await wait_until_heeded(login, world)
        world.on_wake()
        bus.stop()
        await world.look()
        bus.restart()
        async with on_bus(bus.address) as login:
            await wait_until_heeded(login, world)
            world.go_on(3_000)
            await login.emit(going=False)
            await until(lambda: world.reported)

    assert world.reported == [(NOON, NOON + 3_000)]
    assert caplog.text == ""
    assert capfd.readouterr().err == ""


async def test_the_program_lists_the_sleep_that_logind_tells(bus: SessionBus, tmp_path: Path) -> None:
    async with on_bus(bus.address) as login:
        with serving(tmp_path, DBUS_SYSTEM_BUS_ADDRESS=bus.address) as program:
            gaps: list[dict[str, Any]] = []
            async with asyncio.timeout(DEADLINE):
                while not gaps:  # repeat until the program has subscribed to the signals
                    await login.emit(going=True)
                    await asyncio.sleep(1.1)  # the sleep
                    await login.emit(going=False)
                    gaps = program.run("gaps", "--json").objects
    assert gaps[0]["cause"] == "asleep"
    assert 1 <= gaps[0]["seconds"] < 10
