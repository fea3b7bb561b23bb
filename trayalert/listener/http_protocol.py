"""aiohttp's server, connection and response with limits of ours: one request a connection, few words for strangers.

The connection limit enforces a connection's `deadline`: aiohttp has timers for a part of the connection's life only.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from trayalert.listener import limits
from trayalert.listener.connection_limit import ConnectionLimit

_HEADERS = CIMultiDict({"Server": "", "Cache-Control": "no-store", "Content-Type": "text/plain"})
"""Without a name in `Server` aiohttp would give its own."""
_VERSIONS = frozenset({HttpVersion10, HttpVersion11})
_INVALID_HEAD = b"\0"
"""Breaks each head that is not complete."""

_MOST_FIRST_BYTES = 256
"""Enough for the method and the path of a callback."""

_logger = logging.getLogger(__name__)
_http_logger = logging.getLogger(f"{__name__}.http")


class _TracebackFilter(logging.Filter):
    """A traceback of aiohttp's may hold the path, and that the secret: it is not kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        record.exc_text = None
        return True


_http_logger.addFilter(_TracebackFilter())


class Response(web.Response):
    """Closes the connection: what else was sent on it is never executed."""

    def __init__(
        self, status: int, text: str = "", *, linger: Callable[[], Awaitable[None]], retry_after: int | None = None
    ) -> None:
        super().__init__(status=status, body=text.encode(), headers=_HEADERS)
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)
        self.force_close()
        self._linger = linger

    async def write_eof(self, data: bytes = b"") -> None:
        """Say it all. It is over when nothing is on its way any more that could undo the answer."""
        await super().write_eof(data)
        await self._linger()


class HttpProtocol(web.RequestHandler):
    """Counted by the connection limit; idle until its request has begun and when it was answered too early."""

    __slots__ = (
        "_answered",
        "_begun",
        "_body",
        "_closed_waiter",
        "_connection_limit",
        "_discarded",
        "_eof_seen",
        "_head_length",
        "_refuse_invalid",
        "_socket",
        "accepted_at",
        "connect_task",
        "deadline",
        "first_bytes",
        "peer",
        "read_this_turn",
        "supported_version",
    )  # fmt: skip

    def __init__(
        self,
        server: web.Server,
        connection_limit: ConnectionLimit,
        refuse_invalid: Callable[["HttpProtocol"], Response],
        **http_limits: Any,
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # it would hold the path
            logger=_http_logger,
            keepalive_timeout=0,
            lingering_time=0,
            tcp_keepalive=False,
            auto_decompress=False,
            **http_limits,
        )
        self.accepted_at = loop.time()
        self.deadline = self.accepted_at + limits.HEADER_DEADLINE
        self.read_this_turn = False
        self.supported_version = False
        self.first_bytes = b""
        """How the first request begins, for one whose head aiohttp cannot read."""
        self.peer = ""
        self.connect_task: asyncio.Task[None] | None = None
        self._connection_limit = connection_limit
        self._refuse_invalid = refuse_invalid
        self._body: StreamReader | None = None
        self._head_length = self._discarded = 0
        self._begun = self._answered = self._eof_seen = False
        self._closed_waiter: asyncio.Future[None] | None = None
        self._socket: socket.socket | None = None

    def attach(self, accepted: socket.socket, peer: str) -> None:
        """Be the connection of this socket."""
        self._socket = accepted
        self.peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read; with TLS only now, as the hands are shaken."""
        super().connection_made(transport)
        deadline = min(
            asyncio.get_running_loop().time() + limits.HEADER_DEADLINE, self.accepted_at + limits.LONGEST_CONNECTION
        )
        if deadline < self.deadline:
            self.deadline = deadline
            self._connection_limit.reschedule(self)

    def wait_for_handshake(self) -> None:
        """Let a TLS handshake come before the request."""
        self.deadline = self.accepted_at + limits.LONGEST_CONNECTION

    def begin_request(self, body: StreamReader, *, supported_version: bool) -> None:
        """Be kept: the head is complete, or no HTTP."""
        self._begun = True
        self.supported_version = supported_version
        self._body = body
        if self._eof_seen or self._messages:
            self._fail_body()
        self._connection_limit.mark_busy(self)

    def make_response(self, status: int, text: str = "", *, retry_after: int | None = None) -> Response:
        """Return the one answer."""
        return Response(status, text, linger=self._linger, retry_after=retry_after)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._answered:
            self._discard(len(data))
            return
        if len(self.first_bytes) < _MOST_FIRST_BYTES:
            self.first_bytes += data[: _MOST_FIRST_BYTES - len(self.first_bytes)]
        super().data_received(data)
        if self._begun:
            if self._messages:  # behind a body that is not complete: what follows in it is broken
                self._fail_body()
        else:
            self._head_length += len(data)
            if not self.read_this_turn:
                self.read_this_turn = True
                asyncio.get_running_loop().call_soon(self._check_head_length)

    def _check_head_length(self) -> None:
        """Look again a turn later: with a complete head aiohttp has begun by then."""
        self.read_this_turn = False
        if not self._begun and self._head_length > limits.LARGEST_HEAD:
            super().data_received(_INVALID_HEAD)

    async def _linger(self) -> None:
        """Read and drop for a moment what is still on its way after the answer, before aiohttp closes.

        Closing with something unread would make the system reset the connection, and that could undo the answer.
        """
        self._answered = True
        transport = self.transport
        if transport is None or self._eof_seen or (self._body is not None and self._body.is_eof()):
            return
        if not transport.is_reading():
            transport.resume_reading()
        if transport.can_write_eof():
            with contextlib.suppress(OSError):  # the sender hung up just now; `connection_lost` follows
                transport.write_eof()
        loop = asyncio.get_running_loop()
        self.deadline = loop.time() + limits.LINGERING_TIME
        self._connection_limit.mark_idle(self)
        self._closed_waiter = loop.create_future()
        await self._closed_waiter

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the connection limit. A callback that is being stored is stored all the same."""
        self._fail_body()
        super().connection_lost(exc)
        self._connection_limit.remove(self)
        if self._closed_waiter is not None and not self._closed_waiter.done():
            self._closed_waiter.set_result(None)
        self._body = self._closed_waiter = self._socket = (
            None  # they hold on to each other: the collector would have to look
        )

    def eof_received(self) -> bool:  # type: ignore[override] # aiohttp's says None; asyncio asks for this
        """Keep the way back open for a sender that has said all and waits for its answer."""
        if self._answered or not (self._begun or self.read_this_turn) or self.transport is None:
            return False
        self._eof_seen = True
        self._fail_body()
        return self.transport.can_write_eof()  # with TLS there is no half way

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it would quote what was sent
    ) -> Response:
        """Answer what is no HTTP, or where we have failed."""
        if status < 500:  # what strangers send that is broken is no news
            if exc is not None:
                exc.with_traceback(None)  # its frames hold on to it: the collector would have to look
            self._body = None
            return self._refuse_invalid(self)
        _logger.error("a request could not be answered", exc_info=exc)  # a bug of ours; its traceback holds no path
        return self.make_response(500)

    def has_received(self) -> bool:
        """Whether it has said anything, or was answered already."""
        return self._head_length > 0

    def has_unread(self) -> bool:
        """Whether bytes of it are here that were not read yet."""
        try:
            return self._socket is not None and bool(self._socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def abort(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.abort()
        elif self.connect_task is not None:
            self.connect_task.cancel()

    def _fail_body(self) -> None:
        """Let the reader of a body that is not complete know that nothing more of it comes."""
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(web.RequestPayloadError())

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > limits.LARGEST_REMAINDER:
            self.abort()


class Server(web.Server):
    """Gives the limits on as they are, where aiohttp would drop all for a mistyped one."""

    def __init__(
        self,
        handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        refuse_invalid: Callable[[HttpProtocol], Response],
        connection_limit: ConnectionLimit,
        **http_limits: Any,
    ) -> None:
        # a sender that leaves must not cancel a commit
        super().__init__(handle, request_factory=_begin_request, handler_cancellation=False)
        self._connection_limit = connection_limit
        self._refuse_invalid = refuse_invalid
        self._http_limits = http_limits

    def __call__(self) -> HttpProtocol:
        """Make a connection."""
        return HttpProtocol(self, self._connection_limit, self._refuse_invalid, **self._http_limits)


def _begin_request(
    message: Any,  # of a class that aiohttp keeps to itself
    body: StreamReader,
    connection: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    assert isinstance(connection, HttpProtocol)  # noqa: S101 - the server makes no others
    supported = message.version in _VERSIONS and not (message.chunked and message.version < HttpVersion11)
    connection.begin_request(body, supported_version=supported)
    if not supported:  # the answer names the request's version, and must not claim one that we do not speak
        message = message._replace(version=HttpVersion11)
    return web.BaseRequest(message, body, connection, writer, task, asyncio.get_running_loop())
