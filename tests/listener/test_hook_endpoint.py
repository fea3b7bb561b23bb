"""What the listener does for Cloud Monitor and for the admin."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.listener.raw_connection import SECRET, RunningListener, listening, request, status, without_date
from trayalert.domain.callback import Callback
from trayalert.listener.access_log import AccessLog
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.hook_endpoint import AccessRules
from trayalert.listener.limits import DEFAULT_LIMITS, LARGEST_SMALL_BODY, ListenerLimits
from trayalert.listener.port import ListenerFault
from trayalert.listener.self_check import parser_kind
from trayalert.listener.server import open_listener

FORM = b"alertName=CPU&alertState=ALERT"
TOKEN = "t0ken-" + "y" * 37
PROBE = f"/hook/{TOKEN}"
OWN = AccessRules(
    respond_to_probe=lambda offered: "the proof" if offered == TOKEN.encode() else None, admits=lambda _: False
)
"""Rules that admit no source address, while trayalert waits for its own probe."""


@pytest.fixture
async def server() -> AsyncIterator[RunningListener]:
    async with listening() as server:
        yield server


async def refuse_callback(_: Callback) -> bool:
    raise AssertionError("nobody was to come in")


async def open_failure(host: str, port: int = 0) -> str:
    """Return the sentence in which the listener says why it does not open."""
    with pytest.raises(ListenerFault) as fault:
        await open_listener(host, port, check_secret=lambda _: "default", receive=refuse_callback)
    return str(fault.value)


def test_the_c_parser_is_in_use() -> None:
    assert parser_kind() == "c"


async def test_a_callback_comes_in_as_the_bytes_that_were_sent(server: RunningListener) -> None:
    answer = await server.send(request("POST", f"/hook/{SECRET}?a=%20b", "Content-Type: text/x", body=FORM))

    (callback,) = server.received
    assert status(answer) == 200
    assert (callback.method, callback.body, callback.query) == ("POST", FORM, b"a=%20b")
    assert (callback.content_type, callback.sender) == ("text/x", "127.0.0.1")
    assert abs(callback.received_at - asyncio.get_running_loop().time()) > 1_000_000  # milliseconds of the wall clock


async def test_a_get_with_nothing_in_it_comes_in(server: RunningListener) -> None:
    assert status(await server.send(request("GET"))) == 200
    assert (server.received[0].method, server.received[0].body, server.received[0].query) == ("GET", b"", b"")


async def test_200_goes_out_only_after_the_callback_was_said_to_be_safe() -> None:
    safe = asyncio.Event()
    receiving = asyncio.Event()

    async def receive(_: Callback) -> bool:
        receiving.set()
        await safe.wait()
        return True

    listener = await open_listener("127.0.0.1", 0, check_secret=lambda _: "default", receive=receive)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(request(body=FORM))
    await receiving.wait()
    first = asyncio.create_task(reader.read(1))
    done, _ = await asyncio.wait([first], timeout=0.1)
    assert not done

    safe.set()
    assert await first == b"H"
    writer.close()
    await listener.close()


async def test_503_says_that_it_was_not_stored(server: RunningListener) -> None:
    server.receive = lambda _: False

    assert status(await server.send(request(body=FORM))) == 503


async def test_503_where_receiving_fails_for_a_bug(server: RunningListener, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Callback) -> bool:
        raise ZeroDivisionError

    server.receive = fail

    assert status(await server.send(request(body=FORM))) == 503
    assert "a callback could not be received" in caplog.text


async def test_every_answer_closes_the_connection_and_what_else_was_sent_on_it_is_not_done(
    server: RunningListener,
) -> None:
    async with server.connect() as connection:
        await connection.send(request(body=b"n=1") + request(body=b"n=2"))
        answer = await connection.read_to_end()

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\nConnection: close\r\n\r\nok\n")
    assert answer.count(b"HTTP/1.1") == 1
    assert [callback.body for callback in server.received] == [b"n=1"]


async def test_a_body_in_chunks_and_in_pieces_comes_in_whole(server: RunningListener) -> None:
    async with server.connect() as connection:
        await connection.send(request("POST", f"/hook/{SECRET}", "Transfer-Encoding: chunked"))
        for piece in (b"5\r\nalert", b"\r\n4\r\nName\r\n", b"4\r\n=CPU\r\n0\r\n\r\n"):
            await connection.send(piece)
        assert status(await connection.read_response()) == 200

    assert server.received[0].body == b"alertName=CPU"


async def test_a_body_of_64_kib_is_fine(server: RunningListener) -> None:
    body = b"x" * DEFAULT_LIMITS.largest_body

    assert status(await server.send(request(body=body))) == 200
    assert server.received[0].body == body


async def test_a_query_as_long_as_an_event_is_fine(server: RunningListener) -> None:
    assert status(await server.send(request("GET", f"/hook/{SECRET}?{'e' * 15_000}"))) == 200
    assert len(server.received[0].query) == 15_000


async def test_413_for_a_body_that_says_it_is_too_large(server: RunningListener) -> None:
    answer = await server.send(request("POST", f"/hook/{SECRET}", f"Content-Length: {DEFAULT_LIMITS.largest_body + 1}"))

    assert (status(answer), server.received) == (413, [])


async def test_413_for_a_body_that_turns_out_to_be_too_large(server: RunningListener) -> None:
    chunks = (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 33 + b"0\r\n\r\n"

    answer = await server.send(request("POST", f"/hook/{SECRET}", "Transfer-Encoding: chunked") + chunks)

    assert (status(answer), server.received) == (413, [])


async def test_408_for_a_body_that_does_not_come() -> None:
    async with listening(limits=ListenerLimits(body_deadline=0.05)) as server, server.connect() as connection:
        await connection.send(request("POST", f"/hook/{SECRET}", "Content-Length: 10") + b"half")

        answer = await connection.read_to_end()  # returns only when the listener has closed the connection

    assert (status(answer), server.received) == (408, [])


async def test_a_sender_that_asks_first_is_told_to_go_on(server: RunningListener) -> None:
    async with server.connect() as connection:
        head = request("POST", f"/hook/{SECRET}", "Expect: 100-continue", "Content-Length: 5")
        await connection.send(head)
        assert status(await connection.read_response()) == 100
        await connection.send(b"hello")
        assert status(await connection.read_response()) == 200

    assert server.received[0].body == b"hello"


async def test_a_stranger_that_asks_first_is_told_nothing(server: RunningListener) -> None:
    head = request("POST", "/hook/wrong", "Expect: 100-continue", "Content-Length: 5")

    assert status(await server.send(head)) == 404


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "nonsense"])
async def test_a_compressed_body_is_kept_as_it_came(server: RunningListener, encoding: str) -> None:
    body = b"\x1f\x8b\x08\x00 is no gzip"

    answer = await server.send(request("POST", f"/hook/{SECRET}", f"Content-Encoding: {encoding}", body=body))

    assert (status(answer), server.received[0].body) == (200, body)


async def test_a_charset_that_does_not_exist_is_nobodys_trouble(server: RunningListener) -> None:
    header = "Content-Type: application/x-www-form-urlencoded; charset=klingon-8"

    assert status(await server.send(request("POST", f"/hook/{SECRET}", header, body=b"\xff\xfe"))) == 200
    assert server.received[0].body == b"\xff\xfe"


async def test_a_header_that_is_no_text_can_be_stored(server: RunningListener) -> None:
    answer = await server.send(request("POST", f"/hook/{SECRET}", "Content-Type: \udcff\udcfe", body=b"x"))

    assert status(answer) == 200
    server.received[0].content_type.encode()


async def test_a_probe_of_our_own_is_answered_and_not_received(tmp_path: Path) -> None:
    counts, log = ListenerCounts(), AccessLog(tmp_path / "access.log")
    async with listening(rules=OWN, counts=counts, access_log=log) as server:
        answers = [await server.send(request(method, PROBE, body=FORM)) for method in ("POST", "GET")]
        log.close()

    assert [answer.rpartition(b"\r\n\r\n")[2] for answer in answers] == [b"the proof", b"the proof"]
    assert [status(answer) for answer in answers] == [200, 200]
    assert server.received == []
    assert (counts.own_probes, counts.stored, counts.strangers, counts.probes, counts.turned_away) == (2, 0, 0, 0, 0)
    first, second = (tmp_path / "access.log").read_text().splitlines()
    assert " 127.0.0.1 POST probe - 200 30 " in first
    assert " 127.0.0.1 GET probe - 200 30 " in second
    assert TOKEN not in first + second


@pytest.mark.parametrize(
    "content",
    [
        request("POST", f"/hook/{TOKEN}x"),
        request("POST", f"/{TOKEN}"),
        request("POST", f"http://door/hook/{TOKEN}"),
        request("PUT", PROBE),
        request("POST", PROBE, "Origin: https://evil.example"),
        request("POST", PROBE).replace(b"Host: door", b"Host: other"),
    ],
)
async def test_what_is_no_probe_and_one_kept_out_get_the_same_as_strangers(content: bytes) -> None:
    async with listening(rules=replace(OWN, allowed_hosts=frozenset({"door"}))) as server:
        assert without_date(await server.send(content)) == without_date(await server.send(request("GET", "/")))


async def test_why_a_probe_was_kept_out_is_told() -> None:
    reported: list[tuple[bytes, str]] = []
    rules = replace(OWN, allowed_hosts=frozenset({"a"}), on_probe_refused=lambda *what: reported.append(what))
    async with listening(rules=rules) as server:
        await server.send(request("POST", PROBE, body=FORM))

    assert reported == [(TOKEN.encode(), 'its host name is "door", and allowed_hosts does not list that')]


async def test_a_probe_is_read_within_the_same_bounds() -> None:
    async with listening(rules=OWN, limits=ListenerLimits(body_deadline=0.05)) as server:
        large = await server.send(request("POST", PROBE, f"Content-Length: {LARGEST_SMALL_BODY + 1}"))
        slow = await server.send(request("POST", PROBE, "Content-Length: 10") + b"half")

    assert (status(large), status(slow)) == (413, 408)


async def test_a_sender_that_leaves_before_the_commit_does_not_stop_it() -> None:
    arrived, disk, stored = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def receive(_: Callback) -> bool:
        arrived.set()
        await disk.wait()
        stored.set()
        return True

    listener = await open_listener("127.0.0.1", 0, check_secret=lambda _: "default", receive=receive)
    _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(request(body=FORM))
    await arrived.wait()
    writer.transport.abort()

    with pytest.raises(TimeoutError):  # the sender has disconnected, but `receive` still runs
        await asyncio.wait_for(stored.wait(), 0.1)
    disk.set()
    async with asyncio.timeout(5):
        await stored.wait()
    await listener.close()


async def test_closing_lets_the_callback_under_way_end() -> None:
    arrived, disk = asyncio.Event(), asyncio.Event()

    async def receive(_: Callback) -> bool:
        arrived.set()
        await disk.wait()
        return True

    listener = await open_listener("127.0.0.1", 0, check_secret=lambda _: "default", receive=receive)
    idle, idle_writer = await asyncio.open_connection("127.0.0.1", listener.port)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(request(body=FORM))
    await arrived.wait()
    closing = asyncio.create_task(listener.close())
    assert await asyncio.wait_for(idle.read(), 5) == b""  # closing does not wait for a connection without a request

    disk.set()
    assert status(await asyncio.wait_for(reader.read(), 5)) == 200
    await closing
    for each in (idle_writer, writer):
        each.close()


async def test_closing_lets_a_body_that_is_under_way_come_in(server: RunningListener) -> None:
    async with server.connect() as connection:
        await connection.send(request("POST", f"/hook/{SECRET}", "Expect: 100-continue", "Content-Length: 5"))
        assert status(await connection.read_response()) == 100  # the listener has started to handle the request
        closing = asyncio.create_task(server.listener.close())
        done, _ = await asyncio.wait([closing], timeout=0.1)
        assert not done
        await connection.send(b"hello")
        assert status(await connection.read_to_end()) == 200
        await closing

    assert [callback.body for callback in server.received] == [b"hello"]


async def test_an_ipv6_address_opens() -> None:
    async with listening("::1") as server:
        assert status(await server.send(request(body=FORM))) == 200
        assert server.received[0].sender == "::1"


async def test_a_free_port_is_picked(server: RunningListener) -> None:
    async with listening() as other:
        assert 0 < server.listener.port != other.listener.port


async def test_closing_while_a_connection_comes_logs_no_error() -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    listener = await open_listener("127.0.0.1", 0, check_secret=lambda _: "default", receive=refuse_callback)
    await asyncio.sleep(0)  # lets the listener start to wait for connections
    with socket.create_connection(("127.0.0.1", listener.port)):
        await asyncio.sleep(0)  # the event loop notices the connection in the iteration in which the listener closes
        await listener.close()
    assert faults == []


async def test_a_port_that_was_just_closed_opens_again(server: RunningListener) -> None:
    await server.send(request(body=FORM))
    await server.listener.close()

    again = await open_listener(
        "127.0.0.1", server.listener.port, check_secret=lambda _: "default", receive=refuse_callback
    )
    await again.close()


async def test_a_taken_port_is_told_in_a_sentence(server: RunningListener) -> None:
    sentence = await open_failure("127.0.0.1", server.listener.port)

    assert sentence == (
        f"port {server.listener.port} on 127.0.0.1 is taken by another program. End it, or take another port (--port)."
    )


async def test_a_port_that_is_bound_but_does_not_listen_yet_is_taken_too() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        assert "is taken" in await open_failure("127.0.0.1", other.getsockname()[1])


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "ü" * 70, "256.1.1.1"])
async def test_a_host_that_does_not_exist_is_told_in_a_sentence(host: str) -> None:
    assert (
        await open_failure(host) == f'nothing is called "{host}" here: set another host in the settings, or use --host.'
    )


async def test_an_address_of_another_computer_is_told_in_a_sentence() -> None:
    assert "this computer has no address 192.0.2.1" in await open_failure("192.0.2.1")


async def test_an_empty_host_is_this_computer_and_is_told_so() -> None:
    async with listening("") as server:
        assert server.listener.host == "127.0.0.1"
