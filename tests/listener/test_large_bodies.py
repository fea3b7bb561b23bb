"""Bodies over 64 KiB: accepted only with a right secret, and limited in memory and in bytes per hour."""

import asyncio
import contextlib
import random
from contextlib import AsyncExitStack

import pytest

from tests.listener.raw_connection import (
    SECRET,
    RawConnection,
    RunningListener,
    check_secret,
    listening,
    request,
    status,
)
from trayalert.domain.callback import Callback
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.large_bodies import HeldBody, LargeBodies
from trayalert.listener.limits import DEFAULT_LIMITS, ListenerLimits
from trayalert.listener.refusals import RefusedError, too_much
from trayalert.listener.server import open_listener

MEBIBYTE = 1024 * 1024
PATH = f"/hook/{SECRET}"
pytestmark = pytest.mark.alone  # the 3 s for a body, and waits of 2 and 3 s, leave no time for other tests


def retry_after(answer: bytes) -> int | None:
    found = [line for line in answer.split(b"\r\n") if line.lower().startswith(b"retry-after:")]
    return int(found[0].split(b":")[1]) if found else None


async def send_part(connection: RawConnection, length: int) -> None:
    """Start to send a body of 1 MiB, but stop after `length` bytes."""
    await connection.send(request("POST", PATH, f"Content-Length: {MEBIBYTE}") + b"x" * length)


async def wait_until_held(server: RunningListener, held: int) -> None:
    """Wait until the listener holds at least `held` bytes of large bodies."""
    async with asyncio.timeout(3):
        while held_by(server) < held:  # noqa: ASYNC110 - no event says how much was read
            await asyncio.sleep(0.005)


def held_by(server: RunningListener) -> int:
    return server.listener.large_bodies.held_bytes


async def test_a_body_of_1_mib_comes_in_whole_and_one_byte_more_is_413() -> None:
    counts = ListenerCounts()
    async with listening(counts=counts) as server:
        assert status(await server.send(request(body=b"x" * MEBIBYTE))) == 200
        assert status(await server.send(request(body=b"x" * (MEBIBYTE + 1)))) == 413
        chunks = (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 32 + b"0\r\n\r\n"
        assert status(await server.send(request("POST", PATH, "Transfer-Encoding: chunked") + chunks)) == 200
        assert held_by(server) == 0

    assert [len(callback.body) for callback in server.received] == [MEBIBYTE, MEBIBYTE]
    assert counts.turned_away == 1
    assert "larger than 1 MiB" in (counts.last_turned_away_why or "")


async def test_a_stranger_with_a_large_body_gets_404_at_once() -> None:
    async with listening() as server, server.connect() as connection:
        await connection.send(request("POST", "/hook/wrong", f"Content-Length: {MEBIBYTE}") + b"x" * 100_000)
        assert status(await connection.read_response()) == 404
        assert held_by(server) == 0


async def test_16_mib_are_held_at_one_time_and_whoever_brings_more_is_to_try_again() -> None:
    counts = ListenerCounts()
    async with listening(counts=counts) as server:
        async with AsyncExitStack() as senders:
            for _ in range(16):
                await send_part(await senders.enter_async_context(server.connect()), MEBIBYTE - 10)
            await wait_until_held(server, 16 * (MEBIBYTE - 10))
            answer = await server.send(request(body=b"x" * 100_000))
            assert (status(answer), retry_after(answer)) == (503, 2)
            assert status(await server.send(request(body=b"x" * 60_000))) == 200
        async with asyncio.timeout(2):
            while held_by(server):  # noqa: ASYNC110 - no event says when the listener notices the disconnects
                await asyncio.sleep(0.005)
        assert status(await server.send(request(body=b"x" * 100_000))) == 200

    assert [len(callback.body) for callback in server.received] == [60_000, 100_000]


async def test_what_was_announced_and_has_not_arrived_takes_no_room() -> None:
    async with listening() as server, AsyncExitStack() as senders:
        for _ in range(40):
            await send_part(await senders.enter_async_context(server.connect()), 10)
        assert status(await server.send(request(body=b"x" * MEBIBYTE))) == 200


async def test_a_body_is_held_until_it_is_stored() -> None:
    async with listening() as server:
        server.receive = lambda _: held_by(server) == 200_000
        assert status(await server.send(request(body=b"x" * 200_000))) == 200
        assert held_by(server) == 0


async def test_more_than_the_hour_allows_is_503_for_large_bodies_alone() -> None:
    counts = ListenerCounts()
    async with listening(counts=counts, limits=ListenerLimits(most_large_an_hour=250_000)) as server:
        large, small = request(body=b"x" * 100_000), request(body=b"x" * 1000)
        answers = [await server.send(large) for _ in range(3)]
        assert [status(answer) for answer in answers] == [200, 200, 503]
        assert 3590 <= (retry_after(answers[-1]) or 0) <= 3600
        assert status(await server.send(small)) == 200
        chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        chunked = request("POST", PATH, "Transfer-Encoding: chunked") + chunk * 4 + b"0\r\n\r\n"
        assert status(await server.send(chunked)) == 503

    assert counts.turned_away == 2
    assert "within an hour" in (counts.last_turned_away_why or "")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def take(large: LargeBodies, secret: str, *, stored: bool = True) -> int:
    """Receive a body of 1 MiB. Return 0, or the seconds after which the sender may try again."""
    body = HeldBody(large, secret)
    try:
        body.expect(MEBIBYTE)
        body.grow(MEBIBYTE)
        body.take()
    except RefusedError as error:
        return error.refusal.retry_after or -1
    finally:
        body.release(stored=stored)
    return 0


def test_64_mib_an_hour_are_taken_for_each_secret() -> None:
    clock = Clock()
    large = LargeBodies(clock, DEFAULT_LIMITS)
    for second in range(64):
        clock.now = 100.0 + second
        assert take(large, "one") == 0
    assert take(large, "one") == 3600 - 63
    assert take(large, "other") == 0
    clock.now = 100.0 + 3600
    assert take(large, "one") == 0  # the first body was received an hour ago, and no longer counts
    assert take(large, "one") == 1


def test_what_was_not_stored_does_not_count_towards_the_hour() -> None:
    large = LargeBodies(Clock(), DEFAULT_LIMITS)
    for _ in range(100):
        assert take(large, "one", stored=False) == 0
    assert large.held_bytes == 0


async def _misbehave(server: RunningListener, chance: random.Random) -> None:
    """Send a body and end the connection, each in a randomly chosen way."""
    length = chance.choice([1000, 70_000, 200_000, MEBIBYTE, MEBIBYTE + 1])
    if chance.random() < 0.5:
        content = request("POST", PATH, f"Content-Length: {length}") + b"x" * length
    else:
        chunks = b"".join(b"%x\r\n%b\r\n" % (n, b"x" * n) for n in [50_000] * (length // 50_000) + [length % 50_000])
        broken = b"zz\r\n" if chance.random() < 0.3 else b""
        content = request("POST", PATH, "Transfer-Encoding: chunked") + chunks + broken + b"0\r\n\r\n"
    # the header section is always complete
    end = len(content) if chance.random() < 0.5 else chance.randrange(200, len(content))
    async with server.connect() as connection:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            step = 1 + end // chance.randrange(1, 5)
            for start in range(0, end, step):
                await connection.send(content[start : min(start + step, end)])
            match chance.randrange(4):
                case 0:
                    connection.writer.transport.abort()
                case 1:
                    connection.writer.write_eof()
                    await connection.read_response()
                case 2:
                    await connection.read_response()


def _receive_badly(chance: random.Random) -> bool:
    if chance.random() < 0.3:
        raise RefusedError(too_much("there is no room", retry_after=1))
    if chance.random() < 0.3:
        raise ValueError("a bug of ours")
    return chance.random() < 0.5


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_ends_a_request_gives_its_memory_back(seed: int) -> None:
    chance, counts = random.Random(seed), ListenerCounts()
    limits = ListenerLimits(body_deadline=0.1, most_large_held=2 * MEBIBYTE)
    async with listening(counts=counts, limits=limits) as server:
        server.receive = lambda _: _receive_badly(chance)
        await asyncio.gather(*(_misbehave(server, chance) for _ in range(30)))
        async with asyncio.timeout(3):
            while held_by(server):  # noqa: ASYNC110 - no event says when the last body was dropped
                await asyncio.sleep(0.005)

    assert counts.turned_away > 5


async def test_a_door_that_closes_gives_the_memory_back() -> None:
    """The listener closes while bodies are being received and one callback waits for the disk."""
    limits = ListenerLimits(close_deadline=0.05, lingering_time=0.05)
    stuck = asyncio.Event()

    async def receive(_: Callback) -> bool:
        await stuck.wait()
        return True

    listener = await open_listener("127.0.0.1", 0, check_secret=check_secret, receive=receive, limits=limits)
    server = RunningListener(listener)
    async with AsyncExitStack() as senders:
        for length in (200_000, MEBIBYTE):
            await send_part(await senders.enter_async_context(server.connect()), length)
        await wait_until_held(server, 200_000 + MEBIBYTE)
        await listener.close()

    assert held_by(server) == 0
