"""The door to the outside: `POST` or `GET` on `/hook/<secret>`, and the same empty 404 for everything else.

200 goes out only after `receive` has said that the callback is safe. The attacker is any stranger on the Internet; the
secret in the path is all that tells Cloud Monitor from one, and it is never logged.
"""

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import http_parser, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from trayalert.domain.callback import Callback
from trayalert.domain.fault import Fault

LARGEST_BODY = 64 * 1024
BODY_DEADLINE = 3.0
"""Seconds for a body to come in; there is no such deadline in aiohttp."""

_PREFIX = b"/hook/"
_HEADERS = {"Server": "", "Cache-Control": "no-store"}
"""What program answers is nobody's business."""
_OK_HEADERS = CIMultiDict({**_HEADERS, "Content-Type": "text/plain"})

Receive = Callable[[Callback], Awaitable[bool]]
Opens = Callable[[bytes], bool]

_logger = logging.getLogger(__name__)
_http_logger = logging.getLogger(f"{__name__}.http")


class DoorFault(Fault):
    """The door cannot be opened; the text says why and what to do."""


class _TooLargeError(Exception):
    """More bytes than LARGEST_BODY."""


class _NoPath(logging.Filter):
    """A traceback of aiohttp's may hold the path, and that the secret: it is not kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        record.exc_text = None
        return True


_http_logger.addFilter(_NoPath())


def parser_kind() -> str:
    """Return "c" where aiohttp's C parser is in use, which refuses broken framing, else "python"."""
    return "c" if http_parser.HttpRequestParser.__module__ == "aiohttp._http_parser" else "python"


class _Connection(web.RequestHandler):
    """Answers what cannot be read as shortly as all else: aiohttp would echo the path, name itself, and log it all."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it would quote what was sent
    ) -> web.StreamResponse:
        if status >= 500:  # a bug of ours; what strangers send that is broken is no news
            _logger.error("a request could not be answered", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        return _response(status, "the request is broken\n" if status == 400 else "", close=True)


class _Server(web.Server):
    """Makes connections with the limits as they are given, where aiohttp would drop all for a mistyped one."""

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


@dataclass(frozen=True, slots=True)
class Listener:
    """An open door."""

    host: str
    port: int
    _runner: web.ServerRunner

    async def close(self) -> None:
        """Take no more connections, let requests under way end, and close."""
        await self._runner.cleanup()


async def open_door(host: str, port: int, *, opens: Opens, receive: Receive) -> Listener:
    """Listen on host and port (0 picks a free one). Raise DoorFault where that cannot be."""
    server = _Server(
        _Door(opens, receive).answer,
        access_log=None,
        logger=_http_logger,
        keepalive_timeout=10.0,  # also the deadline for a connection's first header block
        lingering_time=1.0,
        max_line_size=16384,  # events may come by GET, with 2 to 5 KB of query
        max_field_size=4096,
        max_headers=64,
        auto_decompress=False,
    )
    runner = web.ServerRunner(server, shutdown_timeout=5.0)
    await runner.setup()
    try:
        listening = _bound(host, port)
        await web.SockSite(runner, listening, backlog=1024).start()
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that a name server could be asked for
        await runner.cleanup()
        raise DoorFault(_why(host, port, error)) from error
    return Listener(host=host, port=listening.getsockname()[1], _runner=runner)


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or "127.0.0.1", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind(address)
        # two bound sockets may share a port until one of them listens: be that one, or fail here
        listening.listen(1024)
    except BaseException:
        listening.close()
        raise
    return listening


def _why(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return f'nothing is called "{host}" here: set another host in the settings, or use --host.'
    reasons = {
        errno.EADDRINUSE: f"port {port} on {host} is taken by another program. End it, or take another port (--port).",
        errno.EACCES: f"port {port} on {host} may not be opened by this user. Choose a port above 1023 (--port).",
        errno.EADDRNOTAVAIL: f"this computer has no address {host}. Use 127.0.0.1, or an address of its own (--host).",
    }
    return reasons.get(error.errno or 0, f"the door on {host}:{port} cannot be opened: {error}.")


class _Door:
    """Answers one request after the other."""

    def __init__(self, opens: Opens, receive: Receive) -> None:
        self._opens = opens
        self._receive = receive

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.encode("utf-8", "surrogateescape").partition(b"?")
        if request.method not in {"POST", "GET"} or not path.startswith(_PREFIX) or not self._opens(path[6:]):
            return _response(404, close=True)
        try:
            body = await _read_body(request)
        except _TooLargeError:
            return _response(413, f"a callback has at most {LARGEST_BODY} bytes\n", close=True)
        except TimeoutError:
            return _response(408, f"the body did not come within {BODY_DEADLINE:g} s\n", close=True)
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            return _response(400, "the body is broken\n", close=True)
        callback = Callback(
            received_at=time.time_ns() // 1_000_000,
            method=request.method,
            query=query,
            content_type=request.headers.get("Content-Type", "").encode("utf-8", "replace").decode("utf-8"),
            sender=request.remote or "",
            body=body,
        )
        try:
            stored = await self._receive(callback)
        except Exception:  # a bug of ours is told to the sender as "come again", never as 200
            _logger.exception("a callback could not be received")
            stored = False
        return (
            web.Response(body=b"ok\n", headers=_OK_HEADERS)
            if stored
            else _response(503, "not stored; send it again\n", close=True)
        )


async def _read_body(request: web.BaseRequest) -> bytes:
    if not request.body_exists:
        return b""
    if (request.content_length or 0) > LARGEST_BODY:
        raise _TooLargeError
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # that was no answer yet
    content = request.content
    if content.is_eof():  # it came along with the headers: no timer, no task
        body = content.read_nowait()
        if content.exception() is None and len(body) <= LARGEST_BODY:
            return body
        raise content.exception() or _TooLargeError
    parts = bytearray()
    async with asyncio.timeout(BODY_DEADLINE):
        async for part in content.iter_any():
            parts += part
            if len(parts) > LARGEST_BODY:
                raise _TooLargeError
    return bytes(parts)


def _response(status: int, text: str = "", *, close: bool = False) -> web.Response:
    response = web.Response(status=status, text=text, headers=_HEADERS)
    if close:
        response.force_close()
    return response
