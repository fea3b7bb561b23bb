"""What the listener does with strangers on the Internet: they find out nothing, and cannot fill the logs."""

import itertools
import logging
from collections.abc import AsyncIterator

import pytest

from tests.listener.raw_connection import SECRET, RunningListener, listening, request, status, without_date
from trayalert.listener.server import open_listener

RIGHT = f"/hook/{SECRET}"


@pytest.fixture
async def server(caplog: pytest.LogCaptureFixture) -> AsyncIterator[RunningListener]:
    """A listener. At the end of each test, the fixture checks that no secret and no traceback has reached a log."""
    caplog.set_level(logging.DEBUG)
    async with listening() as server:
        yield server
    for record in caplog.get_records("call") + caplog.records:
        assert SECRET not in record.getMessage()
        assert SECRET not in caplog.handler.format(record)
        assert record.exc_info is None


NOT_THERE = {
    "wrong secret": request("POST", "/hook/wrong", body=b"x"),
    "a part of it": request("POST", RIGHT[:-1], body=b"x"),
    "more than it": request("POST", f"{RIGHT}x", body=b"x"),
    "no secret": request("POST", "/hook/", body=b"x"),
    "no path": request("POST", "/", body=b"x"),
    "trailing slash": request("POST", f"{RIGHT}/", body=b"x"),
    "two slashes": request("POST", f"/{RIGHT}", body=b"x"),
    "two slashes inside": request("POST", f"/hook//{SECRET}", body=b"x"),
    "dots": request("POST", f"/x/..{RIGHT}", body=b"x"),
    "encoded letter": request("POST", RIGHT.replace("s3", "%733"), body=b"x"),
    "encoded slash": request("POST", f"/hook%2F{SECRET}", body=b"x"),
    "other case": request("POST", RIGHT.upper(), body=b"x"),
    "secret as query": request("POST", f"/hook/?{SECRET}", body=b"x"),
    "fragment": request("POST", f"{RIGHT}#x", body=b"x"),
    "absolute form": request("POST", f"http://door{RIGHT}", body=b"x"),
    "star": request("OPTIONS", "*"),
    "PUT": request("PUT", RIGHT, body=b"x"),
    "DELETE": request("DELETE", RIGHT),
    "OPTIONS": request("OPTIONS", RIGHT, "Origin: https://evil.example", "Access-Control-Request-Method: POST"),
    "PATCH": request("PATCH", RIGHT, body=b"x"),
    "TRACE": request("TRACE", RIGHT),
    "CONNECT": request("CONNECT", "door:80"),
    "very long": request("POST", "/hook/" + "s" * 15_000, body=b"x"),
    "encoded beyond ASCII": request("POST", "/hook/%C3%BC%FF%00", body=b"x"),
    "too large": request("POST", "/hook/wrong", "Content-Length: 99999999"),
    "GET": request("GET", "/hook/wrong"),
    "favicon": request("GET", "/favicon.ico", "Accept: text/html"),
}


@pytest.mark.parametrize("what", NOT_THERE)
async def test_what_is_not_there_is_answered_with_the_same_bytes(server: RunningListener, what: str) -> None:
    known = without_date(await server.send(request("GET", "/")))
    answer = without_date(await server.send(NOT_THERE[what]))

    assert answer == known
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert b"\r\nServer: \r\n" in answer
    assert server.received == []


async def test_head_is_answered_alike_with_the_right_secret_and_a_wrong_one(server: RunningListener) -> None:
    answers = []
    for path in (RIGHT, "/hook/wrong", "/"):
        async with server.connect() as connection:
            await connection.send(request("HEAD", path))
            answers.append(without_date(await connection.read_to_end()))

    assert set(answers) == {answers[0]}
    assert status(answers[0]) == 404


BROKEN = {
    "nonsense": b"\x00\x01\x02\r\n\r\n",
    "TLS": bytes.fromhex("1603010200010001fc0303"),
    "bare LF": f"POST {RIGHT} HTTP/1.1\nHost: door\n\n".encode(),
    "two lengths": request("POST", RIGHT, "Content-Length: 1", "Content-Length: 2") + b"xx",
    "two equal lengths": request("POST", RIGHT, "Content-Length: 1", "Content-Length: 1") + b"x",
    "length and chunks": request("POST", RIGHT, "Content-Length: 1", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "negative length": request("POST", RIGHT, "Content-Length: -1"),
    "endless length": request("POST", RIGHT, f"Content-Length: {'9' * 40}"),
    "bad chunk": request("POST", RIGHT, "Transfer-Encoding: chunked") + b"zz\r\n",
    "second chunk bad": request("POST", RIGHT, "Transfer-Encoding: chunked") + b"2\r\nab\r\nzz\r\n",
    "NUL in the path": f"POST {RIGHT}\x00 HTTP/1.1\r\nHost: door\r\n\r\n".encode(),
    "space before the colon": request("POST", RIGHT, "Content-Length : 1") + b"x",
    "bytes beyond ASCII in the path": request("POST", "/hook/\udcff\udcfe"),
    "no such method": request("BREW", RIGHT),
    "line too long": request("GET", f"{RIGHT}?{'x' * 20_000}"),
    "header too long": request("GET", RIGHT, f"X: {'x' * 5000}"),
    "too many headers": request("GET", RIGHT, *(f"X-{number}: x" for number in range(70))),
    "no port at all": request("GET", f"http://door:99999999{RIGHT}"),
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("what", BROKEN)
async def test_broken_http_is_refused_in_few_words(
    server: RunningListener, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.connect() as connection:
        await connection.send(BROKEN[what])
        answer = await connection.read_to_end()

    assert status(answer) == 400
    assert b"\r\nServer: \r\n" in answer
    assert answer.partition(b"\r\n\r\n")[2] in {b"the request is broken\n", b"the body is broken\n"}
    assert server.received == []
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.parametrize(
    "line", [f"GET {RIGHT}", f"GET {RIGHT} HTTP/0.9", f"POST {RIGHT} HTTP/2.0", f"POST {RIGHT} HTTP/1.2"]
)
async def test_another_version_is_refused_in_one_that_the_door_speaks(server: RunningListener, line: str) -> None:
    answer = await server.send(f"{line}\r\nHost: door\r\n\r\n".encode())

    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert server.received == []


LEFT = {
    "at once": b"",
    "in the request line": b"POST /hook",
    "in the headers": request("POST", RIGHT)[:-2],
    "in the body": request("POST", RIGHT, "Content-Length: 100") + b"x",
    "in a chunk": request("POST", RIGHT, "Transfer-Encoding: chunked") + b"5\r\nab",
}


@pytest.mark.parametrize(("where", "rudely"), list(itertools.product(LEFT, [False, True])))
async def test_who_leaves_half_way_leaves_no_trace(
    server: RunningListener, where: str, rudely: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with server.connect() as connection:
        await connection.send(LEFT[where])
        if rudely:
            connection.writer.transport.abort()

    assert status(await server.send(request(body=b"x"))) == 200  # the listener still works
    assert [callback.body for callback in server.received] == [b"x"]
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


async def test_a_bug_in_the_door_is_told_to_us_and_not_to_strangers(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: bytes) -> str | None:
        raise ZeroDivisionError

    listener = await open_listener("127.0.0.1", 0, check_secret=fail, receive=lambda _: None)  # type: ignore[arg-type, return-value]
    async with RunningListener(listener).connect() as connection:
        await connection.send(request("GET", RIGHT))
        answer = await connection.read_to_end()
    await listener.close()

    assert status(answer) == 500
    assert answer.endswith(b"\r\n\r\n")
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text
