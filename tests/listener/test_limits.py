"""The listener's limits on time, memory and connections."""

import asyncio
import contextlib
import errno
import socket
import time
from dataclasses import dataclass

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
from trayalert.listener.http_protocol import HttpProtocol
from trayalert.listener.limits import DEFAULT_LIMITS, ListenerLimits
from trayalert.listener.server import open_listener

WRONG = request("POST", "/hook/wrong", "Content-Length: 99999999")


async def drip(connection: RawConnection, first: bytes, every: float, byte: bytes = b"x") -> tuple[bytes, float]:
    """Send a byte every `every` seconds until the listener closes the connection.

    Return the answer, and the seconds until the listener closed the connection.
    """
    begun = time.monotonic()
    await connection.send(first)
    received = bytearray()
    while time.monotonic() - begun < 20:
        try:
            async with asyncio.timeout(every):
                part = await connection.reader.read(1000)
        except TimeoutError:
            connection.writer.write(byte)
            continue
        except ConnectionError:
            break
        if not part:
            break
        received += part
    return bytes(received), time.monotonic() - begun


async def seconds_until_closed(server: RunningListener, content: bytes) -> float:
    async with server.connect() as connection:
        return (await drip(connection, content, 30))[1]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The seconds until each client that was too slow was disconnected, and the answers that two of the clients got."""

    silent: float
    half: float
    head: tuple[bytes, float]
    body: tuple[bytes, float]
    received: list[Callback]


@pytest.fixture(scope="module")
def deadlines() -> Deadlines:
    """Open all slow connections at the same time, because most of the time they only wait."""

    async def measure() -> Deadlines:
        async with listening() as server, server.connect() as slow_head, server.connect() as slow_body:
            silent, half, head, body = await asyncio.gather(
                seconds_until_closed(server, b""),
                seconds_until_closed(server, request()[:-4]),
                drip(slow_head, b"POST /hook/x HTTP/1.1\r\nHost: door\r\nX: ", 1.0),
                drip(slow_body, request("POST", f"/hook/{SECRET}", "Content-Length: 1000"), 0.5),
            )
            return Deadlines(silent, half, head, body, list(server.received))

    return asyncio.run(measure())


@pytest.mark.alone
def test_a_head_that_comes_letter_by_letter_is_hung_up_on_after_5_s_as_is_who_says_nothing(
    deadlines: Deadlines,
) -> None:
    received, length = deadlines.head

    assert received == b""
    for seconds in (deadlines.silent, deadlines.half, length):
        assert 4.5 < seconds < 5.6


@pytest.mark.alone
def test_a_body_that_comes_letter_by_letter_is_answered_with_408_after_3_s(deadlines: Deadlines) -> None:
    received, length = deadlines.body

    assert status(received) == 408
    assert 2.5 < length < 4.5
    assert deadlines.received == []


@pytest.mark.alone
async def test_a_body_that_never_ends_is_not_read_for_ever_after_the_answer() -> None:
    async with listening() as server:
        for first in (WRONG, request("POST", f"/hook/{SECRET}", "Content-Length: 99999999"), b"nonsense\r\n"):
            async with server.connect() as connection:
                begun = time.monotonic()
                await connection.send(first)
                assert status(await connection.read_response()) in {400, 404, 413}
                sent = 0
                try:
                    while time.monotonic() - begun < 10:
                        await connection.send(b"x" * 65536)
                        sent += 65536
                except ConnectionError:
                    pass
                assert time.monotonic() - begun < 2
                # most of these bytes were never read, and stayed in the buffers of the kernel
                assert sent < 64 * 1024 * 1024


@pytest.mark.alone
async def test_who_goes_on_slowly_after_the_answer_is_hung_up_on_after_a_second() -> None:
    async with listening() as server, server.connect() as connection:
        begun = time.monotonic()
        await connection.send(WRONG)
        assert status(await connection.read_response()) == 404
        try:
            while time.monotonic() - begun < 10:
                await connection.send(b"x")
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass

    assert time.monotonic() - begun < 2


async def test_a_head_that_does_not_end_is_refused_at_64_kib() -> None:
    async with listening() as server, server.connect() as connection:
        await connection.send(b"GET / HTTP/1.1\r\nHost: door\r\n")
        for number in range(60):
            await connection.send(b"X-%d: %s\r\n" % (number, b"x" * 2000))
        assert status(await connection.read_to_end()) == 400


async def test_a_sender_that_ends_its_side_first_gets_its_answer() -> None:
    async with listening() as server, server.connect() as connection:
        await connection.send(request(body=b"x"))
        connection.writer.write_eof()
        assert status(await connection.read_to_end()) == 200

    assert [callback.body for callback in server.received] == [b"x"]


async def test_a_body_that_is_cut_short_is_no_callback() -> None:
    async with listening() as server, server.connect() as connection:
        await connection.send(request("POST", f"/hook/{SECRET}", "Content-Length: 10") + b"half")
        connection.writer.write_eof()
        assert status(await connection.read_to_end()) == 400

    assert server.received == []


async def test_at_the_cap_the_oldest_idle_connection_makes_room() -> None:
    counts = ListenerCounts()
    async with (
        listening(max_connections=3, counts=counts) as server,
        server.connect() as first,
        server.connect() as second,
        server.connect() as third,
    ):
        for connection in (first, second, third):
            await connection.send(b"GET /")
        assert status(await server.send(request(body=b"x"))) == 200
        assert await first.read_to_end() == b""
        assert not second.reader.at_eof()
        assert not third.reader.at_eof()

    assert counts.evicted == 1


async def test_a_crowd_from_one_address_hangs_up_on_nobody_from_another() -> None:
    """A sender far away is silent for some time between connecting and its first bytes."""
    counts = ListenerCounts()
    async with (
        listening(max_connections=4, counts=counts, limits=ListenerLimits(silence_grace=-1.0)) as server,
        server.connect() as sender,
        contextlib.AsyncExitStack() as others,
    ):
        for _ in range(30):
            one = await others.enter_async_context(server.connect("127.0.0.2"))
            await one.send(b"POST /hook/wrong HTTP/1.1\r\nX: ")
        for _ in range(3):
            assert status(await server.send(request(body=b"x"))) == 200
        await sender.send(request(body=b"from afar"))
        assert status(await sender.read_response()) == 200

    assert counts.evicted >= 27
    assert [callback.body for callback in server.received][-1] == b"from afar"


async def test_nobody_whose_callback_is_being_stored_makes_room() -> None:
    """While all connections have a callback that is being stored, new connections wait until one of them is done."""
    stored, full = asyncio.Event(), asyncio.Event()
    begun: list[Callback] = []

    async def receive(callback: Callback) -> bool:
        begun.append(callback)
        if len(begun) == 3:
            full.set()
        await stored.wait()
        return True

    counts = ListenerCounts()
    listener = await open_listener(
        "127.0.0.1", 0, check_secret=check_secret, receive=receive, max_connections=3, counts=counts
    )
    server = RunningListener(listener)
    client = [asyncio.create_task(server.send(request(body=b"x"))) for _ in range(10)]
    async with asyncio.timeout(5):
        await full.wait()
    done, _ = await asyncio.wait(client, timeout=0.2)
    assert (len(done), len(begun)) == (0, 3)

    stored.set()
    assert [status(answer) for answer in await asyncio.gather(*client)] == [200] * 10
    assert counts.evicted == 0
    await listener.close()


async def test_a_burst_beyond_the_cap_evicts_nobody_who_has_said_something() -> None:
    counts = ListenerCounts()
    async with listening(max_connections=20, counts=counts) as server:
        answers = await asyncio.gather(*(server.send(request(body=b"%d" % number)) for number in range(400)))

    assert [status(answer) for answer in answers] == [200] * 400
    assert counts.stored == 400


async def test_who_has_just_said_something_is_not_hung_up_on_before_it_was_looked_at() -> None:
    """The bytes may be a complete request, which aiohttp starts to handle in the next iteration of the event loop."""
    evicted: list[bool] = []

    class MakesRoom(HttpProtocol):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            evicted.append(self._connection_limit.evict())

    async with listening(protocol_class=MakesRoom) as server:
        evicted.clear()  # removes what the requests of the self-check have added
        assert status(await server.send(request(body=b"x"))) == 200

    assert evicted
    assert not any(evicted)


async def test_chunks_that_break_off_in_nonsense_are_no_callback() -> None:
    async with listening() as server, server.connect() as connection:
        head = request("POST", f"/hook/{SECRET}", "Transfer-Encoding: chunked", "Expect: 100-continue")
        await connection.send(head)
        assert status(await connection.read_response()) == 100
        await connection.send(b"2\r\nab\r\nzz\r\n")
        assert status(await connection.read_to_end()) in {400, 408}

    assert server.received == []


@pytest.mark.alone
async def test_without_descriptors_the_oldest_go_and_the_door_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counts = ListenerCounts()
    async with listening(counts=counts) as server, server.connect() as idle:
        await idle.send(b"GET /")
        loop = asyncio.get_running_loop()
        accept, tries = loop.sock_accept, 0

        async def short(listening: socket.socket) -> object:
            nonlocal tries
            tries += 1
            if tries <= 3:
                raise OSError(errno.EMFILE, "Too many open files")
            return await accept(listening)

        monkeypatch.setattr(loop, "sock_accept", short)
        # accepted by the original `sock_accept`, which was already waiting
        assert status(await server.send(request(body=b"x"))) == 200
        begun = time.monotonic()
        assert status(await server.send(request(body=b"x"))) == 200
        assert await idle.read_to_end() == b""

    assert 0.2 < time.monotonic() - begun < 2
    assert counts.evicted == 1
    assert caplog.text.count("Too many open files") == 1


async def test_a_bug_with_one_connection_does_not_shut_the_door(caplog: pytest.LogCaptureFixture) -> None:
    attached = 0

    class FailsOnce(HttpProtocol):
        def attach(self, accepted: socket.socket, peer: str) -> None:
            nonlocal attached
            attached += 1
            if attached == 1:
                raise ZeroDivisionError
            super().attach(accepted, peer)

    async with listening(protocol_class=FailsOnce) as server:
        async with server.connect() as connection:
            assert await connection.read_to_end() == b""
        assert status(await server.send(request(body=b"x"))) == 200

    assert "ZeroDivisionError" in caplog.text


def test_the_whole_visit_of_a_stranger_is_shorter_than_8_s() -> None:
    limits = DEFAULT_LIMITS
    assert limits.header_deadline + limits.lingering_time < 8
    assert limits.longest_connection < 8
    assert limits.body_deadline < 5 < limits.close_deadline + 1
