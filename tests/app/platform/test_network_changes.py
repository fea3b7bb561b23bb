"""Network changes: reported by the running kernel if the test may change an address, and in made-up messages."""

import asyncio
import contextlib
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.storage.making import until
from trayalert.app.platform.network_changes import (
    NetlinkState,
    NetworkTiming,
    poll_addresses,
    watch_netlink,
    watch_network,
)

LINK, ADDRESS, NO_ADDRESS, ROUTE, NO_ROUTE, NEIGHBOUR = 16, 20, 21, 24, 25, 28


def message(kind: int, content: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(content), kind, 0, 0, 0) + content


def attribute(kind: int, content: bytes) -> bytes:
    return (struct.pack("=HH", 4 + len(content), kind) + content).ljust((4 + len(content) + 3) & ~3, b"\0")


def address(kind: int, name: str, *, lifetime: int = 0) -> bytes:
    raw = socket.inet_pton(socket.AF_INET6, name)
    lives = struct.pack("=IIII", lifetime, lifetime, 0, 0)
    return message(kind, struct.pack("=BBBBI", 10, 64, 0, 0, 2) + attribute(1, raw) + attribute(6, lives))


def route(kind: int, *, length: int = 0, metric: int = 100) -> bytes:
    fixed = struct.pack("=BBBBBBBBI", 2, length, 0, 0, 254, 3, 0, 1, 0)
    gateway = attribute(5, b"\x0a\0\0\1") + attribute(4, struct.pack("=I", 2))
    return message(kind, fixed + gateway + attribute(6, struct.pack("=I", metric)))


def link(*, change: int) -> bytes:
    return message(LINK, struct.pack("=BxHiII", 0, 1, 2, 0x1043, change))


@asynccontextmanager
async def watching(watch: Callable[[Callable[[], None]], Coroutine[Any, Any, None]]) -> AsyncIterator[list[int]]:
    """Run `watch`, and yield a list that gets an entry for each change that is reported."""
    changes: list[int] = []
    task = asyncio.create_task(watch(lambda: changes.append(len(changes))))
    try:
        yield changes
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def ip(what: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        "ip", "addr", what, "127.0.0.9/8", "dev", "lo", stderr=subprocess.DEVNULL
    )
    return await process.wait() == 0


async def test_an_address_that_comes_and_goes_is_a_change() -> None:
    await ip("del")  # remove what a killed run may have left behind
    async with watching(lambda changed: watch_network(changed, timing=NetworkTiming(settling_time=0.05))) as changes:
        await asyncio.sleep(0)
        if not await ip("add"):
            pytest.skip("needs the right to add an address")
        await until(lambda: len(changes) == 1)
        assert await ip("del")
        await until(lambda: len(changes) == 2)


@pytest.mark.parametrize(
    ("messages", "news"),
    [
        ((address(ADDRESS, "2001:db8::2"),), [True]),
        ((address(ADDRESS, "2001:db8::2", lifetime=9), address(ADDRESS, "2001:db8::2", lifetime=8)), [True, False]),
        ((address(ADDRESS, "2001:db8::2"), address(ADDRESS, "2001:db8::3")), [True, True]),
        ((address(ADDRESS, "::2"), address(NO_ADDRESS, "::2"), address(ADDRESS, "::2")), [True, True, True]),
        ((route(ROUTE), route(ROUTE), route(NO_ROUTE)), [True, False, True]),
        ((route(ROUTE, metric=100), route(ROUTE, metric=600)), [True, True]),
        ((route(ROUTE, length=24), route(NO_ROUTE, length=24)), [False, False]),
        ((link(change=1), link(change=0)), [True, False]),
        ((message(NEIGHBOUR, b"\2" * 12),), [False]),
        ((None, b""), [True, False]),
        ((address(ADDRESS, "::1") + address(ADDRESS, "::2"), address(ADDRESS, "::2")), [True, False]),
    ],
)
def test_only_what_is_new_is_news(messages: tuple[bytes | None, ...], news: list[bool]) -> None:
    state = NetlinkState()

    assert [state.update(each) for each in messages] == news


def test_messages_that_are_cut_or_nonsense_raise_nothing() -> None:
    state = NetlinkState()
    for whole in (address(ADDRESS, "::1"), route(ROUTE), link(change=1)):
        for length in range(len(whole)):
            state.update(whole[:length])
            state.update(message(ADDRESS, whole[:length]))
    state.update(struct.pack("=IHHII", 0, ROUTE, 0, 0, 0) * 2)


async def test_what_comes_together_is_told_once() -> None:
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    with ours, kernels:
        async with watching(lambda changed: watch_netlink(ours, changed, settling_time=0.05)) as changes:
            for name in ("::1", "::2", "::3"):
                kernels.send(address(ADDRESS, name))
            await until(lambda: changes)
            kernels.send(address(ADDRESS, "::3", lifetime=7))
            kernels.send(route(ROUTE))
            await until(lambda: len(changes) > 1)

    assert changes == [0, 1]


async def test_where_nobody_says_the_own_addresses_are_looked_at() -> None:
    looks = iter([*[frozenset({"10.0.0.1"})] * 3, frozenset()])

    def own_addresses() -> frozenset[str]:
        return next(looks, frozenset())

    async with watching(
        lambda changed: poll_addresses(changed, interval=0.005, own_addresses=own_addresses)
    ) as changes:
        await until(lambda: changes)
        await until(lambda: next(looks, None) is None)

    assert changes == [0]


async def test_a_socket_that_is_refused_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "NETLINK_ROUTE", 9999, raising=False)
    looks = iter([frozenset({"10.0.0.1"})])

    def own_addresses() -> frozenset[str]:
        return next(looks, frozenset())

    timing = NetworkTiming(poll_interval=0.005)
    async with watching(lambda changed: watch_network(changed, timing=timing, own_addresses=own_addresses)) as changes:
        await until(lambda: changes)
