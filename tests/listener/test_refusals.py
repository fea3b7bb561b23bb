"""Each request with a right secret that gets no 200 is counted with its reason, as is a request to a mistyped URL."""

import asyncio
import logging
import socket
import struct

import pytest

from tests.listener.raw_connection import SECRET, listening, request, status, without_date
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.hook_endpoint import AccessRules
from trayalert.listener.limits import DEFAULT_LIMITS, ListenerLimits
from trayalert.listener.refusals import CAUSES_OF_LOSS, RefusalCause

PATH = f"/hook/{SECRET}"
REFUSED: dict[str, tuple[bytes, int, RefusalCause, str]] = {
    "too large": (
        request("POST", PATH, f"Content-Length: {DEFAULT_LIMITS.largest_body + 1}"),
        413, RefusalCause.TOO_LARGE, "larger than 1 MiB",
    ),
    "too slow": (
        request("POST", PATH, "Content-Length: 10"), 408, RefusalCause.TOO_SLOW, "did not arrive within 0.1 s"
    ),
    "broken chunks": (
        request("POST", PATH, "Transfer-Encoding: chunked", "Expect: 100-continue") + b"2\r\nab\r\nzz\r\n",
        400, RefusalCause.HTTP, "is not valid HTTP",
    ),
    "a header too large": (
        request("POST", PATH, "X: " + "x" * 5000, body=b"x"), 400, RefusalCause.HTTP, "a header of more"
    ),
    "too many headers": (
        request("POST", PATH, *(f"X-{n}: x" for n in range(70)), body=b"x"), 400, RefusalCause.HTTP, "more than 64"
    ),
    "a URL too long": (request("GET", f"{PATH}?{'x' * 20_000}"), 400, RefusalCause.HTTP, "a URL of more than 16,384"),
    "two lengths": (
        request("POST", f"{PATH}?a=b", "Content-Length: 1", "Content-Length: 2") + b"xx",
        400, RefusalCause.HTTP, "is not valid HTTP",
    ),
    "chunks under 1.0": (
        request("POST", PATH, "Transfer-Encoding: chunked", version="1.0") + b"1\r\nx\r\n0\r\n\r\n",
        400, RefusalCause.HTTP, "the body comes in chunks",
    ),
    "HTTP 2": (request(version="2.0", body=b"x"), 400, RefusalCause.HTTP, "version of HTTP"),
    "PUT": (request("PUT", PATH, body=b"x"), 404, RefusalCause.METHOD, "its method is PUT"),
    "not stored": (request(body=b"no"), 503, RefusalCause.NOT_STORED, "could not be stored"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_has_a_right_secret_and_gets_no_200_is_counted_with_its_reason(what: str) -> None:
    counts, reported = ListenerCounts(), list[RefusalCause]()
    content, expected, cause, why = REFUSED[what]
    rules = AccessRules(on_refused=lambda cause, _: reported.append(cause))
    async with listening(counts=counts, rules=rules, limits=ListenerLimits(body_deadline=0.1)) as server:
        server.receive = lambda _: False
        assert status(await server.send(content)) in {expected, 100}
        async with asyncio.timeout(3):
            while not reported:  # noqa: ASYNC110 - the refusal is reported only after the answer
                await asyncio.sleep(0.005)

    assert reported == [cause]
    assert (counts.turned_away, counts.probes, counts.mistyped) == (1, 0, 0)
    assert why in (counts.last_turned_away_why or "")
    assert (counts.lost_at is not None) == (cause in CAUSES_OF_LOSS)


@pytest.mark.alone
@pytest.mark.parametrize("broken", [b"zz\r\n", b"2\r\nabc\r\n", b"0\r\nX: " + b"x" * 5000 + b"\r\n\r\n"], ids=repr)
async def test_a_chunk_that_is_broken_in_the_middle_of_a_body_is_answered_with_400_at_once(broken: bytes) -> None:
    counts = ListenerCounts()
    async with listening(counts=counts) as server, server.connect() as connection:
        await connection.send(request("POST", PATH, "Transfer-Encoding: chunked", "Expect: 100-continue"))
        await connection.reader.readuntil(b"\r\n\r\n")  # the response 100: the listener now reads the body
        await connection.send(b"2\r\nab\r\n" + broken)
        async with asyncio.timeout(DEFAULT_LIMITS.body_deadline / 2):
            assert status(await connection.read_response()) == 400

    assert counts.turned_away == 1
    assert "not what its headers announce" in (counts.last_turned_away_why or "")


async def test_who_hangs_up_in_the_middle_of_a_body_is_counted_too() -> None:
    counts = ListenerCounts()
    async with listening(counts=counts) as server:
        async with server.connect() as connection:
            await connection.send(request("POST", PATH, "Content-Length: 10") + b"half")
        async with asyncio.timeout(3):
            while not counts.turned_away:  # noqa: ASYNC110 - no event says that the listener has noticed the disconnect
                await asyncio.sleep(0.005)

    assert "broke off" in (counts.last_turned_away_why or "")


async def test_a_sender_that_hangs_up_as_it_is_answered_with_408_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The listener's `shutdown` of the socket then fails with an `OSError`, because the connection is already gone."""
    shut_down = socket.socket.shutdown
    errors: list[OSError] = []

    async with listening(limits=ListenerLimits(body_deadline=0.1)) as server:
        sender = socket.create_connection((server.listener.host, server.listener.port))
        sender.sendall(request("POST", PATH, "Content-Length: 10"))

        def hang_up_first(self: socket.socket, how: int) -> None:
            # `close` now resets the connection
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sender.close()
            try:
                shut_down(self, how)
            except OSError as error:
                errors.append(error)
                raise

        monkeypatch.setattr(socket.socket, "shutdown", hang_up_first)
        async with asyncio.timeout(3):
            while not errors:  # noqa: ASYNC110 - no event says when the listener answers
                await asyncio.sleep(0.005)
        monkeypatch.undo()
        assert status(await server.send(request(body=b"x"))) == 200

    assert [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG] == []


MISTYPED = AccessRules(find_typo=lambda path: "there is a slash at its end" if path == f"{PATH}/".encode() else None)


async def test_a_mistyped_url_is_answered_like_any_wrong_one_and_told_as_what_it_is() -> None:
    counts = ListenerCounts()
    async with listening(counts=counts, rules=MISTYPED) as server:
        mistyped = without_date(await server.send(request("POST", f"{PATH}/", body=b"x")))
        wrong = without_date(await server.send(request("POST", "/hook/wrong", body=b"x")))

    assert mistyped == wrong
    assert (counts.mistyped, counts.last_mistyped_why) == (1, "there is a slash at its end")
    assert (counts.probes, counts.strangers, counts.turned_away) == (1, 2, 0)
    assert counts.lost_at == counts.last_mistyped_at is not None


async def test_a_mistyped_url_in_broken_http_is_told_too() -> None:
    counts = ListenerCounts()
    async with listening(counts=counts, rules=MISTYPED) as server:
        assert status(await server.send(f"POST {PATH}/ HTTP/1.1\r\nno header\r\n\r\n".encode())) == 400
        assert status(await server.send(b"POST /hook/wrong HTTP/1.1\r\nno header\r\n\r\n")) == 400

    assert (counts.mistyped, counts.probes, counts.turned_away) == (1, 1, 0)


async def test_mistyped_urls_count_towards_the_limit_of_strangers() -> None:
    limits = ListenerLimits(strangers_at_once=5, strangers_a_second=0.001)
    async with listening(rules=MISTYPED, limits=limits) as server:
        answers = [status(await server.send(request("POST", f"{PATH}/", body=b"x"))) for _ in range(7)]

    assert answers == [404] * 5 + [429] * 2
