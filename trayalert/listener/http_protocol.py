"""aiohttp's server, connection and response with limits of ours: a connection serves one request.

The connection limit enforces `deadline`: aiohttp has timers for a part of a connection's life only.
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

from trayalert.listener.connection_limit import ConnectionLimit
from trayalert.listener.limits import ListenerLimits

_HEADERS = CIMultiDict({"Server": "", "Cache-Control": "no-store", "Content-Type": "text/plain"})
"""`Server` is empty, as aiohttp would write its own name and version otherwise."""
_VERSIONS = frozenset({HttpVersion10, HttpVersion11})
_INVALID_HEAD = b"\0"
"""Makes any incomplete head invalid."""
_MOST_FIRST_BYTES = 256
"""Enough for the method and the path of a callback."""

_logger = logging.getLogger(__name__)
_http_logger = logging.getLogger(f"{__name__}.http")


class _TracebackFilter(logging.Filter):
    """Drops aiohttp's tracebacks, as they may hold the path and so the secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        record.exc_text = None
        return True


_http_logger.addFilter(_TracebackFilter())


class Response(web.Response):
    """Closes the connection after it: nothing else that was sent on it is executed."""

    def __init__(
        self, status: int, text: str = "", *, linger: Callable[[], Awaitable[None]], retry_after: int | None = None
    ) -> None:
        super().__init__(status=status, body=text.encode(), headers=_HEADERS)
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)
        self.force_close()
        self._linger = linger

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the answer, and wait until nothing is on its way any more that could undo the answer."""
        await super().write_eof(data)
        await self._linger()


class HttpProtocol(web.RequestHandler):
    """Counted by the connection limit: idle until its head is complete, and while it lingers after its answer."""

    __slots__ = (
        "_answered", "_begun", "_body", "_closed_waiter", "_connection_limit", "_discarded", "_eof_seen",
        "_head_length", "_limits", "_refuse_invalid", "_socket", "accepted_at", "connect_task", "deadline",
        "first_bytes", "peer", "read_this_turn", "supported_version",
    )  # fmt: skip

    def __init__(
        self,
        server: web.Server,
        connection_limit: ConnectionLimit,
        refuse_invalid: Callable[["HttpProtocol"], Response],
        limits: ListenerLimits,
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
            **limits.http_limits(),
        )
        self.accepted_at = loop.time()
        self.deadline = self.accepted_at + limits.header_deadline
        self.read_this_turn = False
        self.supported_version = False
        self.first_bytes = b""
        """The beginning of the request, for a head that aiohttp cannot read."""
        self.peer = ""
        self.connect_task: asyncio.Task[None] | None = None
        self._connection_limit = connection_limit
        self._limits = limits
        self._refuse_invalid = refuse_invalid
        self._body: StreamReader | None = None
        self._head_length = self._discarded = 0
        self._begun = self._answered = self._eof_seen = False
        self._closed_waiter: asyncio.Future[None] | None = None
        self._socket: socket.socket | None = None

    def attach(self, accepted: socket.socket, peer: str) -> None:
        """Take the socket that was accepted, and the address of its peer."""
        self._socket = accepted
        self.peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read; with TLS, the handshake is over."""
        super().connection_made(transport)
        now, limits = asyncio.get_running_loop().time(), self._limits
        deadline = min(now + limits.header_deadline, self.accepted_at + limits.longest_connection)
        if deadline < self.deadline:
            self.deadline = deadline
            self._connection_limit.reschedule(self)

    def wait_for_handshake(self) -> None:
        """Leave time for a TLS handshake before the request."""
        self.deadline = self.accepted_at + self._limits.longest_connection

    def begin_request(self, body: StreamReader, *, supported_version: bool) -> None:
        """Mark the connection busy: the head is complete."""
        self._begun = True
        self.supported_version = supported_version
        self._body = body
        if self._eof_seen or self._messages:
            self._fail_body()
        self._connection_limit.mark_busy(self)

    def make_response(self, status: int, text: str = "", *, retry_after: int | None = None) -> Response:
        """Return the answer to the request."""
        return Response(status, text, linger=self._linger, retry_after=retry_after)

    def data_received(self, data: bytes) -> None:
        """Read more of the request; after the answer, drop what comes."""
        if self._answered:
            self._discard(len(data))
            return
        if len(self.first_bytes) < _MOST_FIRST_BYTES:
            self.first_bytes += data[: _MOST_FIRST_BYTES - len(self.first_bytes)]
        super().data_received(data)
        if self._begun:
            if self._messages:  # aiohttp took bytes within the body for another request: the body is broken
                self._fail_body()
        else:
            self._head_length += len(data)
            if not self.read_this_turn:
                self.read_this_turn = True
                asyncio.get_running_loop().call_soon(self._check_head_length)

    def _check_head_length(self) -> None:
        """Break a head that is too long. Called a turn later, when aiohttp has begun a request with a complete head."""
        self.read_this_turn = False
        if not self._begun and self._head_length > self._limits.largest_head:
            super().data_received(_INVALID_HEAD)

    async def _linger(self) -> None:
        """Drop what still comes for a moment after the answer, before aiohttp closes the connection.

        Closing with unread bytes makes the system reset the connection, which could undo the answer.
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
        self.deadline = loop.time() + self._limits.lingering_time
        self._connection_limit.mark_idle(self)
        self._closed_waiter = loop.create_future()
        await self._closed_waiter

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the connection limit. A callback that is being stored is still stored."""
        self._fail_body()
        super().connection_lost(exc)
        self._connection_limit.remove(self)
        if self._closed_waiter is not None and not self._closed_waiter.done():
            self._closed_waiter.set_result(None)
        self._body = self._closed_waiter = self._socket = None  # reference cycles, which only the collector would end

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio reads it; aiohttp returns None
        """Keep the connection half open for a sender that has sent all and waits for its answer."""
        if self._answered or not (self._begun or self.read_this_turn) or self.transport is None:
            return False
        self._eof_seen = True
        self._fail_body()
        return self.transport.can_write_eof()  # TLS cannot be half open

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - quotes what was sent
    ) -> Response:
        """Answer a request that is not HTTP, or one that failed by a bug of ours."""
        if status < 500:  # broken requests of strangers are not logged
            if exc is not None:
                exc.with_traceback(None)  # a reference cycle, which only the collector would end
            self._body = None
            return self._refuse_invalid(self)
        _logger.error("a request could not be answered", exc_info=exc)  # our own traceback holds no path
        return self.make_response(500)

    def has_received(self) -> bool:
        """Whether any byte of the request was read."""
        return self._head_length > 0

    def has_unread(self) -> bool:
        """Whether the socket holds bytes that were not read yet."""
        try:
            return self._socket is not None and bool(self._socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def abort(self) -> None:
        """Close the connection at once."""
        if self.transport is not None:
            self.transport.abort()
        elif self.connect_task is not None:
            self.connect_task.cancel()

    def _fail_body(self) -> None:
        """Fail the reader of an incomplete body: no more of the body comes."""
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(web.RequestPayloadError())

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > self._limits.largest_remainder:
            self.abort()


class Server(web.Server):
    """Makes connections. A mistyped limit raises TypeError there; aiohttp's server would drop all limits."""

    def __init__(
        self,
        handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        refuse_invalid: Callable[[HttpProtocol], Response],
        connection_limit: ConnectionLimit,
        limits: ListenerLimits,
        protocol_class: type[HttpProtocol] = HttpProtocol,
    ) -> None:
        # a sender that hangs up must not cancel a commit
        super().__init__(handle, request_factory=_begin_request, handler_cancellation=False)
        self._connection_limit = connection_limit
        self._refuse_invalid = refuse_invalid
        self._limits = limits
        self._protocol_class = protocol_class

    def __call__(self) -> HttpProtocol:
        """Make the protocol of a new connection."""
        return self._protocol_class(self, self._connection_limit, self._refuse_invalid, self._limits)


def _begin_request(
    message: Any,  # of a class that aiohttp does not export
    body: StreamReader,
    connection: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    assert isinstance(connection, HttpProtocol)  # noqa: S101 - the server makes no others
    supported = message.version in _VERSIONS and not (message.chunked and message.version < HttpVersion11)
    connection.begin_request(body, supported_version=supported)
    if not supported:  # the answer repeats the request's version
        message = message._replace(version=HttpVersion11)
    return web.BaseRequest(message, body, connection, writer, task, asyncio.get_running_loop())
