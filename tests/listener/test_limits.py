"""What nobody may have of the door: time, room and patience."""

import asyncio
import contextlib
import errno
import socket
import time

import pytest

from tests.listener.wire import SECRET, Door, Visitor, open_to_all, opens, request, status
from trayalert.domain.callback import Callback
from trayalert.listener import limits
from trayalert.listener.connection import Connection
from trayalert.listener.counts import DoorCounts
from trayalert.listener.server import open_door

WRONG = request("POST", "/hook/wrong", "Content-Length: 99999999")


async def drip(visitor: Visitor, first: bytes, every: float, letter: bytes = b"x") -> tuple[bytes, float]:
    """Say a letter every so often until the door hangs up; return what it said, and how long that took."""
    begun = time.monotonic()
    await visitor.say(first)
    said = bytearray()
    while time.monotonic() - begun < 20:
        try:
            async with asyncio.timeout(every):
                part = await visitor.reader.read(1000)
        except TimeoutError:
            visitor.writer.write(letter)
            continue
        except ConnectionError:
            break
        if not part:
            break
        said += part
    return bytes(said), time.monotonic() - begun


async def hung_up_after(door: Door, content: bytes) -> float:
    async with door.visitor() as visitor:
        return (await drip(visitor, content, 30))[1]


async def test_a_head_that_comes_letter_by_letter_is_hung_up_on_after_5_s_as_is_who_says_nothing() -> None:
    async with open_to_all() as door, door.visitor() as dripping:
        silent, half, (said, length) = await asyncio.gather(
            hung_up_after(door, b""),
            hung_up_after(door, request()[:-4]),
            drip(dripping, b"POST /hook/x HTTP/1.1\r\nHost: door\r\nX: ", 1.0),
        )

    assert said == b""
    for seconds in (silent, half, length):
        assert 4.5 < seconds < 5.6


async def test_a_body_that_comes_letter_by_letter_is_answered_with_408_after_3_s() -> None:
    async with open_to_all() as door, door.visitor() as visitor:
        said, length = await drip(visitor, request("POST", f"/hook/{SECRET}", "Content-Length: 1000"), 0.5)

    assert status(said) == 408
    assert 2.5 < length < 4.5
    assert door.received == []


async def test_a_body_that_never_ends_is_not_read_for_ever_after_the_answer() -> None:
    async with open_to_all() as door:
        for first in (WRONG, request("POST", f"/hook/{SECRET}", "Content-Length: 99999999"), b"nonsense\r\n"):
            async with door.visitor() as visitor:
                begun = time.monotonic()
                await visitor.say(first)
                assert status(await visitor.answer()) in {400, 404, 413}
                sent = 0
                try:
                    while time.monotonic() - begun < 10:
                        await visitor.say(b"x" * 65536)
                        sent += 65536
                except ConnectionError:
                    pass
                assert time.monotonic() - begun < 2
                assert sent < 64 * 1024 * 1024  # the most of it lay in the system's buffers, unread


async def test_who_goes_on_slowly_after_the_answer_is_hung_up_on_after_a_second() -> None:
    async with open_to_all() as door, door.visitor() as visitor:
        begun = time.monotonic()
        await visitor.say(WRONG)
        assert status(await visitor.answer()) == 404
        try:
            while time.monotonic() - begun < 10:
                await visitor.say(b"x")
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass

    assert time.monotonic() - begun < 2


async def test_a_head_that_does_not_end_is_refused_at_64_kib() -> None:
    async with open_to_all() as door, door.visitor() as visitor:
        await visitor.say(b"GET / HTTP/1.1\r\nHost: door\r\n")
        for number in range(60):
            await visitor.say(b"X-%d: %s\r\n" % (number, b"x" * 2000))
        assert status(await visitor.rest()) == 400


async def test_a_sender_that_ends_its_side_first_gets_its_answer() -> None:
    async with open_to_all() as door, door.visitor() as visitor:
        await visitor.say(request(body=b"x"))
        visitor.writer.write_eof()
        assert status(await visitor.rest()) == 200

    assert [callback.body for callback in door.received] == [b"x"]


async def test_a_body_that_is_cut_short_is_no_callback() -> None:
    async with open_to_all() as door, door.visitor() as visitor:
        await visitor.say(request("POST", f"/hook/{SECRET}", "Content-Length: 10") + b"half")
        visitor.writer.write_eof()
        assert status(await visitor.rest()) == 400

    assert door.received == []


async def test_at_the_cap_the_oldest_idle_connection_makes_room() -> None:
    counts = DoorCounts()
    async with (
        open_to_all(most=3, counts=counts) as door,
        door.visitor() as first,
        door.visitor() as second,
        door.visitor() as third,
    ):
        for visitor in (first, second, third):
            await visitor.say(b"GET /")
        assert status(await door.ask(request(body=b"x"))) == 200
        assert await first.rest() == b""
        assert not second.reader.at_eof()
        assert not third.reader.at_eof()

    assert counts.evicted == 1


async def test_a_crowd_from_one_address_hangs_up_on_nobody_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes from afar needs a moment between connecting and the first word."""
    monkeypatch.setattr("trayalert.listener.connection_limit._NEW", -1.0)
    counts = DoorCounts()
    async with (
        open_to_all(most=4, counts=counts) as door,
        door.visitor() as sender,
        contextlib.AsyncExitStack() as crowd,
    ):
        for _ in range(30):
            one = await crowd.enter_async_context(door.visitor("127.0.0.2"))
            await one.say(b"POST /hook/wrong HTTP/1.1\r\nX: ")
        for _ in range(3):
            assert status(await door.ask(request(body=b"x"))) == 200
        await sender.say(request(body=b"from afar"))
        assert status(await sender.answer()) == 200

    assert counts.evicted >= 27
    assert [callback.body for callback in door.received][-1] == b"from afar"


async def test_nobody_whose_callback_is_being_stored_makes_room() -> None:
    """With all of them at it the others wait, and come in when one is done."""
    stored, full = asyncio.Event(), asyncio.Event()
    begun: list[Callback] = []

    async def receive(callback: Callback) -> bool:
        begun.append(callback)
        if len(begun) == 3:
            full.set()
        await stored.wait()
        return True

    counts = DoorCounts()
    listener = await open_door("127.0.0.1", 0, opens=opens, receive=receive, most=3, counts=counts)
    door = Door(listener)
    asking = [asyncio.create_task(door.ask(request(body=b"x"))) for _ in range(10)]
    async with asyncio.timeout(5):
        await full.wait()
    done, _ = await asyncio.wait(asking, timeout=0.2)
    assert (len(done), len(begun)) == (0, 3)

    stored.set()
    assert [status(answer) for answer in await asyncio.gather(*asking)] == [200] * 10
    assert counts.evicted == 0
    await listener.close()


async def test_a_burst_beyond_the_cap_evicts_nobody_who_has_said_something() -> None:
    counts = DoorCounts()
    async with open_to_all(most=20, counts=counts) as door:
        answers = await asyncio.gather(*(door.ask(request(body=b"%d" % number)) for number in range(400)))

    assert [status(answer) for answer in answers] == [200] * 400
    assert counts.stored == 400


async def test_who_has_just_said_something_is_not_hung_up_on_before_it_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its bytes may be a whole request, and aiohttp begins with that a turn of the loop later."""
    evicted: list[bool] = []
    read = Connection.data_received
    async with open_to_all() as door:
        crowd = door.listener._crowd

        def make_room(self: Connection, data: bytes) -> None:
            read(self, data)
            evicted.append(crowd.evict())

        monkeypatch.setattr(Connection, "data_received", make_room)
        assert status(await door.ask(request(body=b"x"))) == 200

    assert evicted
    assert not any(evicted)


async def test_chunks_that_break_off_in_nonsense_are_no_callback() -> None:
    async with open_to_all() as door, door.visitor() as visitor:
        head = request("POST", f"/hook/{SECRET}", "Transfer-Encoding: chunked", "Expect: 100-continue")
        await visitor.say(head)
        assert status(await visitor.answer()) == 100
        await visitor.say(b"2\r\nab\r\nzz\r\n")
        assert status(await visitor.rest()) in {400, 408}

    assert door.received == []


async def test_without_descriptors_the_oldest_go_and_the_door_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counts = DoorCounts()
    async with open_to_all(counts=counts) as door, door.visitor() as idle:
        await idle.say(b"GET /")
        loop = asyncio.get_running_loop()
        accept, tries = loop.sock_accept, 0

        async def short(listening: socket.socket) -> object:
            nonlocal tries
            tries += 1
            if tries <= 3:
                raise OSError(errno.EMFILE, "Too many open files")
            return await accept(listening)

        monkeypatch.setattr(loop, "sock_accept", short)
        assert status(await door.ask(request(body=b"x"))) == 200  # taken in by the accept that was waiting already
        begun = time.monotonic()
        assert status(await door.ask(request(body=b"x"))) == 200
        assert await idle.rest() == b""

    assert 0.2 < time.monotonic() - begun < 2
    assert counts.evicted == 1
    assert caplog.text.count("Too many open files") == 1


async def test_a_bug_with_one_connection_does_not_shut_the_door(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_to_all() as door:
        with monkeypatch.context() as broken:
            broken.setattr(Connection, "take", lambda *_: 1 / 0)
            async with door.visitor() as visitor:
                assert await visitor.rest() == b""
        assert status(await door.ask(request(body=b"x"))) == 200

    assert "ZeroDivisionError" in caplog.text


def test_the_whole_visit_of_a_stranger_is_shorter_than_8_s() -> None:
    assert limits.HEADER_DEADLINE + limits.LINGERING < 8
    assert limits.LONGEST_VISIT < 8
    assert limits.BODY_DEADLINE < 5 < limits.CLOSING + 1
