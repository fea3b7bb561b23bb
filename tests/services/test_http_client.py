"""The HTTP client with real servers and proxies that answer right, wrong, slowly, endlessly, or not at all."""

import asyncio
import contextlib
import gc
import gettext
import logging
import re
import socket
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.listener.certificates import self_signed, server_context
from trayalert.domain.phrase import Phrase
from trayalert.services.http_client import HttpClient, HttpFailure, HttpResult

MAX_BYTES = 1000

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What a server does after it has read a request, and before it closes the connection."""


@dataclass
class Server:
    """A running server. `closed` gets an entry for each connection that is finished."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    closed: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    def url(self, path: str = "/", *, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def serving(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            request = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", request)
            server.requests.append(request + await reader.readexactly(int(length[1]) if length else 0))
            await behaviour(reader, writer)
            writer.close()
            await writer.wait_closed()
        server.closed.put_nowait(None)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as running:
        server.port = running.sockets[0].getsockname()[1]
        yield server


def answers(status: int, body: bytes = b"", *headers: str, length: int | None = None) -> Behaviour:
    """Send this response. `length` is the length that the response claims to have, if not the real length."""

    async def behaviour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        claimed = len(body) if length is None else length
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {claimed}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return behaviour


def writes(start: bytes, repeated: bytes = b"", *, pause: float = 0) -> Behaviour:
    """Send `start`, and then `repeated` again and again until the client disconnects."""

    async def behaviour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while repeated:
            writer.write(repeated)
            await writer.drain()
            await asyncio.sleep(pause)

    return behaviour


async def hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def fetch(url: str, *, seconds: float = 10, client: HttpClient | None = None, **more: Any) -> HttpResult:
    client = client or HttpClient(own_addresses=lambda: frozenset({"10.0.0.1"}))
    return await client.request("GET", url, seconds=seconds, max_bytes=MAX_BYTES, **more)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# ---- responses


async def test_a_request_is_sent_as_given_and_its_response_returned() -> None:
    async with serving(answers(201, b"made", "X-Number: 7")) as server:
        client = HttpClient()
        result = await client.request(
            "PUT", server.url("/a?b=c"), seconds=10, max_bytes=4, headers={"X-Key": "k"}, body=b"content"
        )

    assert (result.failure, result.status, result.body, result.truncated) == (None, 201, b"made", False)
    assert result.headers["x-number"] == "7"
    assert result.reason == "it answered 201"
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert (head.split(b"\r\n")[0], body) == (b"PUT /a?b=c HTTP/1.1", b"content")
    assert {line.partition(b":")[0] for line in head.split(b"\r\n")[1:]} == {
        b"Host", b"X-Key", b"Content-Length", b"Accept-Encoding", b"Connection",
    }  # fmt: skip


async def test_a_request_without_a_body_has_no_content() -> None:
    async with serving(answers(204)) as server:
        result = await fetch(server.url())

    assert (result.status, result.body) == (204, b"")
    assert b"Content-" not in server.requests[0]


async def test_neither_cookies_nor_passwords_of_netrc_are_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("default login anna password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client = HttpClient()
    async with serving(answers(200, b"", "Set-Cookie: a=b")) as server:
        for _ in range(2):
            assert (await fetch(server.url(), client=client)).status == 200

    assert all(b"Authorization" not in request and b"Cookie" not in request for request in server.requests)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_returned_and_not_followed(status: int) -> None:
    async with serving(answers(200)) as other, serving(answers(status, b"", f"Location: {other.url('/x')}")) as server:
        result = await fetch(server.url())

    assert (result.status, result.headers["Location"]) == (status, other.url("/x"))
    assert (len(server.requests), other.requests) == (1, [])


@pytest.mark.parametrize(
    ("size", "read", "truncated"), [(999, 999, False), (1000, 1000, False), (1001, 1000, True), (5_000_000, 1000, True)]
)
async def test_of_a_large_body_the_beginning_is_read(size: int, read: int, truncated: bool) -> None:
    async with serving(answers(200, b"x" * size)) as server:
        result = await fetch(server.url())

    assert (result.failure, result.body, result.truncated) == (None, b"x" * read, truncated)


async def test_a_body_without_an_end_is_cut_too() -> None:
    async with serving(writes(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000)) as server:
        result = await fetch(server.url())

    assert (result.status, result.body, result.truncated) == (200, b"x" * MAX_BYTES, True)


async def test_a_compressed_body_is_cut_by_its_decompressed_length_and_costs_no_memory() -> None:
    compressor = zlib.compressobj(wbits=31)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(512)) + compressor.flush()
    async with serving(answers(200, bomb, "Content-Encoding: gzip")) as server:
        await fetch(server.url())  # the memory for what is loaded with the first request must not count
        tracemalloc.start()
        try:
            result = await HttpClient().request("GET", server.url(), seconds=60, max_bytes=1_000_000)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (result.failure, result.body, result.truncated) == (None, bytes(1_000_000), True)
    assert peak < 8_000_000


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/b\u00fccher?q=\u62a5\u8b66", b"/b%C3%BCcher?q=%E6%8A%A5%E8%AD%A6"),
        ("/a b", b"/a%20b"),
        ("/%E6%8A%A5?sign=a%2Bb%3D", b"/%E6%8A%A5?sign=a%2Bb%3D"),
    ],
)
async def test_characters_beyond_ascii_are_encoded_once(url: str, target: bytes) -> None:
    async with serving(answers(200)) as server:
        assert (await fetch(server.url(url))).status == 200

    assert server.requests[0].split(b" ")[1] == target


async def test_a_name_beyond_ascii_is_looked_up_by_its_ascii_form(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async with serving(answers(200)) as server:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        assert (await fetch(f"http://b\u00fccher.example:{server.port}/")).status == 200

    assert looked_up == ["xn--bcher-kva.example"]


# ---- failures

FAILURES = {
    "no answer": (writes(b""), HttpFailure.DISCONNECTED, "it sent no complete answer"),
    "cut off": (answers(200, b"half", length=8), HttpFailure.DISCONNECTED, None),
    "cut off in a chunk": (
        writes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx"), HttpFailure.DISCONNECTED, None,
    ),
    "cut off in a header": (writes(b"HTTP/1.1 200 OK\r\nX-"), HttpFailure.DISCONNECTED, None),
    "another protocol": (writes(b"SSH-2.0-OpenSSH_9.2\r\n"), HttpFailure.NOT_HTTP, "its answer is not HTTP"),
    "headers without end": (writes(b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n" * 50), HttpFailure.NOT_HTTP, None),
    "a header without end": (writes(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 10_000), HttpFailure.NOT_HTTP, None),
    "not compressed": (answers(200, b"plain", "Content-Encoding: gzip"), HttpFailure.DISCONNECTED, None),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
async def test_what_is_no_whole_response_is_a_failure(name: str) -> None:
    behaviour, failure, reason = FAILURES[name]
    async with serving(behaviour) as server:
        result = await fetch(server.url())
        async with asyncio.timeout(10):
            await server.closed.get()

    assert result.failure is failure
    assert result.body == b""
    assert reason in {None, result.reason}


SLOW = {
    "nothing": hangs,
    "a body that drips": writes(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x", pause=0.01),
    "headers that drip": writes(b"HTTP/1.1 200 OK\r\n", b"X", pause=0.01),
    "informational responses": writes(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.01),
}


@pytest.mark.parametrize("name", SLOW)
async def test_what_is_too_slow_is_given_up_and_its_connection_closed(name: str) -> None:
    async with serving(SLOW[name]) as server:
        result = await fetch(server.url(), seconds=0.3)
        async with asyncio.timeout(10):
            await server.closed.get()

    assert (result.failure, result.reason) == (HttpFailure.TIMED_OUT, "it did not answer in time")


async def test_a_name_server_that_hangs_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*_: object, **__: object) -> None:
        released.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    result = await fetch("http://alerts.example.com", seconds=0.3)
    released.set()

    assert result.failure is HttpFailure.TIMED_OUT


async def test_a_server_that_is_not_there_is_a_failure() -> None:
    refused = await fetch(f"http://127.0.0.1:{free_port()}")
    unresolved = await fetch("http://no-such.invalid/x")
    offline = await fetch("http://no-such.invalid/x", client=HttpClient(own_addresses=frozenset))

    assert (refused.failure, refused.reason) == (HttpFailure.REFUSED, "it refuses connections")
    assert unresolved.failure is HttpFailure.NAME_UNRESOLVED
    assert unresolved.reason == "its name is unknown, or no name server answers"
    assert (offline.failure, offline.reason) == (HttpFailure.NO_NETWORK, "this computer has no network")


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("", "the URL does not begin with https:// or http://"),
        ("alerts.example.com/hunter2", "the URL does not begin with https:// or http://"),
        ("ftp://alerts.example.com/hunter2", "the URL does not begin with https:// or http://"),
        ("wss://alerts.example.com/hunter2", "the URL does not begin with https:// or http://"),
        ("https:///hunter2", "the URL names no host"),
        ("http://[::1/hunter2", "the URL's host or port is not valid"),
        ("http://h:99999/hunter2", "the URL's host or port is not valid"),
        ("http://h:port/hunter2", "the URL's host or port is not valid"),
        ("http://h:0/hunter2", "the URL's port is 0"),
        ("http://a\\b/hunter2", "the URL's host or port is not valid"),
    ],
)
async def test_a_bad_url_is_a_failure_and_no_exception(url: str, detail: str) -> None:
    result = await fetch(url)

    assert (result.failure, result.detail) == (HttpFailure.INVALID_REQUEST, detail)
    assert result.reason == f"the request cannot be sent ({detail})"
    assert "hunter2" not in repr(result) + result.reason


@pytest.mark.parametrize("headers", [{"X-Key": "hunter2\r\nX-Other: x"}, {"X-\n": "hunter2"}, {"X-Key": "hunter2\0"}])
async def test_a_header_that_would_begin_another_is_not_sent(headers: dict[str, str]) -> None:
    async with serving(answers(200)) as server:
        result = await fetch(server.url(), headers=headers)

    assert (result.failure, server.requests) == (HttpFailure.INVALID_REQUEST, [])
    assert result.reason == "the request cannot be sent (a header has a line break or another control character)"
    assert "hunter2" not in repr(result)


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example", "a b", "\x00", "-", "h\udcff", "%zz"])
async def test_an_odd_host_is_a_failure_and_no_exception(host: str) -> None:
    assert (await fetch(f"http://{host}/")).failure in {HttpFailure.NAME_UNRESOLVED, HttpFailure.INVALID_REQUEST}


@pytest.mark.parametrize("failure", HttpFailure)
@pytest.mark.parametrize("proxy", [None, "proxy.example:3128"])
def test_each_failure_has_its_words_and_names_the_proxy_that_was_asked(failure: HttpFailure, proxy: str | None) -> None:
    reason = HttpResult(failure=failure, detail="some {detail}\u202e", proxy=proxy).reason

    assert re.fullmatch(r"[a-zTH][^{}\u202e]{9,}( \(some \{detail\}\))?(, asked through the proxy \S+)?", reason)
    proxy_unnamed = failure in {HttpFailure.INVALID_REQUEST, HttpFailure.NO_NETWORK}
    assert ("proxy.example:3128" in reason) is (proxy is not None and not proxy_unnamed)


async def test_the_words_are_translated_with_the_detail_in_them() -> None:
    class Marked(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return f"<{message}>"

    reason = (await fetch("ftp://alerts.example.com/")).reason

    assert isinstance(reason, Phrase)
    rendered = reason.render(Marked())
    assert rendered == "<the request cannot be sent (<the URL does not begin with https:// or http://>)>"


# ---- TLS

CERTIFICATES = {
    "expired": (
        {"end": "20200102000000Z"}, True, HttpFailure.CERTIFICATE_EXPIRED, "its certificate has expired",
    ),
    "not yet valid": (
        {"begin": "20980101000000Z"}, True, HttpFailure.CERTIFICATE_NOT_YET_VALID, "its certificate is not valid yet",
    ),
    "another name": (
        {"names": "DNS:other.example"}, True, HttpFailure.CERTIFICATE_NAME, "its certificate is for another name",
    ),
    "self-signed": (
        {}, False, HttpFailure.CERTIFICATE_UNTRUSTED, "its certificate is not trusted (self-signed certificate)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CERTIFICATES)
async def test_what_is_wrong_with_a_certificate_is_a_failure(name: str, tmp_path: Path) -> None:
    made_with, trusted, failure, reason = CERTIFICATES[name]
    pair = self_signed(tmp_path / "pair", **made_with)
    client = HttpClient(ssl_context=ssl.create_default_context(cafile=pair) if trusted else None)
    async with serving(answers(200), tls=server_context(pair)) as server:
        result = await fetch(server.url(scheme="https"), client=client)

    assert (result.failure, result.reason.replace("self signed", "self-signed")) == (failure, reason)
    assert server.requests == []


async def test_a_certificate_that_is_trusted_is_taken_and_plain_http_is_no_tls(tmp_path: Path) -> None:
    pair = self_signed(tmp_path / "pair")
    client = HttpClient(ssl_context=ssl.create_default_context(cafile=pair))
    async with serving(answers(200), tls=server_context(pair)) as server:
        assert (await fetch(server.url(scheme="https"), client=client)).status == 200

    async def answer_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer_plainly, "127.0.0.1", 0) as plain:
        result = await fetch(f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/", client=client)

    assert result.failure is HttpFailure.TLS_ERROR
    assert result.reason.startswith("the TLS handshake with it failed (")


# ---- proxies


async def test_the_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answers(502)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://anna:hunter2@127.0.0.1:{proxy.port}")
        result = await fetch("http://alerts.example.com/path")

    assert (result.status, result.proxy) == (502, f"127.0.0.1:{proxy.port}")
    assert proxy.requests[0].startswith(b"GET http://alerts.example.com/path HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic YW5uYTpodW50ZXIy\r\n" in proxy.requests[0]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_a_password_is_a_failure_of_the_proxy(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    async with serving(answers(407)) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://anna:hunter2@127.0.0.1:{proxy.port}")
        result = await fetch(f"{scheme}://alerts.example.com/path")

    assert result.failure is HttpFailure.PROXY_ERROR
    assert result.reason == f"the proxy 127.0.0.1:{proxy.port} cannot be used (it wants a password)"


@pytest.mark.parametrize(
    ("proxy", "reason"),
    [
        (
            "http://127.0.0.1:{free}",
            "the proxy 127.0.0.1:{free} cannot be used (Connection refused)",
        ),
        ("socks5://127.0.0.1:1080", "the proxy 127.0.0.1:1080 cannot be used (it is no HTTP proxy)"),
        ("http://[bad:hunter2", "the proxy whose address makes no sense cannot be used (it is no HTTP proxy)"),
        ("http://anna:hunter2@h:99999", "the proxy whose address makes no sense cannot be used (it is no HTTP proxy)"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, proxy: str, reason: str
) -> None:
    free = free_port()
    monkeypatch.setenv("http_proxy", proxy.format(free=free))
    result = await fetch("http://alerts.example.com/path")

    assert (result.failure, result.reason) == (HttpFailure.PROXY_ERROR, reason.format(free=free))


@pytest.mark.parametrize(("status", "failure"), [(502, HttpFailure.NO_ROUTE), (403, HttpFailure.PROXY_ERROR)])
async def test_a_proxy_that_does_not_connect_says_whether_the_server_is_to_blame(
    monkeypatch: pytest.MonkeyPatch, status: int, failure: HttpFailure
) -> None:
    async with serving(answers(status)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        result = await fetch("https://alerts.example.com/path")

    through = f"there is no route to it (the proxy answered 502), asked through the proxy 127.0.0.1:{proxy.port}"
    refused = f"the proxy 127.0.0.1:{proxy.port} cannot be used (it answered 403)"
    assert (result.failure, result.reason) == (failure, through if status == 502 else refused)


# ---- secrets, and what a request leaves behind

SECRET_PATH, SECRET_PASSWORD = "/robot/t0k3n-0123456789", "hunter2-0123456789"


@pytest.mark.parametrize("name", [*FAILURES, "redirect", "refused", "slow", "proxy", "cookie"])
async def test_no_secret_is_in_a_reason_a_log_line_or_a_repr(
    name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    redirect = answers(302, b"t0k3n-0123456789", f"Location: {SECRET_PATH}?key=t0k3n-0123456789")
    cookie = answers(200, b"", "Set-Cookie: k\x01=t0k3n-0123456789; Path=\x02")
    behaviour = {"redirect": redirect, "slow": hangs, "proxy": answers(407), "cookie": cookie}.get(name)
    async with serving(behaviour or FAILURES.get(name, FAILURES["no answer"])[0]) as server:
        url = server.url(SECRET_PATH) if name != "refused" else f"http://127.0.0.1:{free_port()}{SECRET_PATH}"
        if name == "proxy":
            monkeypatch.setenv("http_proxy", f"http://anna:{SECRET_PASSWORD}@127.0.0.1:{server.port}")
            url = f"http://alerts.example.com{SECRET_PATH}"
        result = await fetch(url, seconds=0.3)

    shown = f"{result!r} {result} {result.reason} {result.detail} {result.proxy} {caplog.text}"
    assert "0123456789" not in shown


@pytest.mark.parametrize("when", ["before the response", "in the body", "in the handshake", "in the look-up"])
async def test_a_request_that_is_cancelled_leaves_nothing_behind(
    when: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    before = asyncio.all_tasks()
    began = asyncio.Event()
    ended = asyncio.Event()
    released = threading.Event()
    loop = asyncio.get_running_loop()

    async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if when == "in the body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nx")
        began.set()
        await reader.read()
        writer.close()
        ended.set()

    def look_up(*_: object, **__: object) -> None:
        loop.call_soon_threadsafe(began.set)
        released.wait()
        loop.call_soon_threadsafe(ended.set)
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    async with await asyncio.start_server(stalls, "127.0.0.1", 0) as running:
        url = f"127.0.0.1:{running.sockets[0].getsockname()[1]}"
        if when == "in the look-up":
            monkeypatch.setattr(socket, "getaddrinfo", look_up)
            url = "alerts.example.com"
        task = asyncio.create_task(fetch(f"{'https' if when == 'in the handshake' else 'http'}://{url}/"))
        async with asyncio.timeout(10):
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            released.set()
            await ended.wait()  # the server has seen the end of the connection, or the look-up has returned

    del task
    gc.collect()  # a session that was not closed would issue a warning here, and warnings are errors
    async with asyncio.timeout(10):
        while asyncio.all_tasks() - before:  # noqa: ASYNC110 - the tasks of the server end soon, without an event
            await asyncio.sleep(0)
    assert "nclosed" not in caplog.text
