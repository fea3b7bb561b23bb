"""aiohttp's server, connection and response, with limits that aiohttp lacks. A connection serves a single request.

The connection limit enforces `deadline`, because aiohttp has timers only for a part of a connection's life.
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
"""`Server` is empty, because aiohttp would otherwise send its own name and version."""
_VERSIONS = frozenset({HttpVersion10, HttpVersion11})
_INVALID_HEAD = b"\0"
"""A byte that makes any incomplete head of a request invalid."""
_MOST_FIRST_BYTES = 256
"""Number of first bytes to keep of a request: enough for the method and the path of a callback."""

_logger = logging.getLogger(__name__)
_http_logger = logging.getLogger(f"{__name__}.http")


class _TracebackFilter(logging.Filter):
    """Drops aiohttp's tracebacks from the program log, because they may contain the path and thus the secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        record.exc_text = None
        return True


_http_logger.addFilter(_TracebackFilter())


class Response(web.Response):
    """A response that closes its connection. Further requests on the connection are not handled."""

    def __init__(
        self, status: int, text: str = "", *, linger: Callable[[], Awaitable[None]], retry_after: int | None = None
    ) -> None:
        super().__init__(status=status, body=text.encode(), headers=_HEADERS)
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)
        self.force_close()
        self._linger = linger

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the answer, then discard late bytes for a short time, so that the sender does not lose the answer."""
        await super().write_eof(data)
        await self._linger()


class HttpProtocol(web.RequestHandler):
    """A connection of the listener, which the connection limit counts.

    A connection is idle until the head of its request is complete, and idle again while it lingers after the answer.
    """

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
            access_log=None,  # type: ignore[arg-type] # aiohttp's access log would contain the path
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
        """The beginning of the request, for a head that aiohttp cannot parse."""
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
        """Set the accepted socket and the address of its peer."""
        self._socket = accepted
        self.peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read. With TLS, the handshake is complete."""
        super().connection_made(transport)
        now, limits = asyncio.get_running_loop().time(), self._limits
        deadline = min(now + limits.header_deadline, self.accepted_at + limits.longest_connection)
        if deadline < self.deadline:
            self.deadline = deadline
            self._connection_limit.reschedule(self)

    def wait_for_handshake(self) -> None:
        """Extend the deadline to leave time for a TLS handshake before the request."""
        self.deadline = self.accepted_at + self._limits.longest_connection

    def begin_request(self, body: StreamReader, *, supported_version: bool) -> None:
        """Mark the connection as busy, because the head of its request is complete."""
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
        """Read more of the request. After the answer, discard the bytes."""
        if self._answered:
            self._discard(len(data))
            return
        if len(self.first_bytes) < _MOST_FIRST_BYTES:
            self.first_bytes += data[: _MOST_FIRST_BYTES - len(self.first_bytes)]
        super().data_received(data)
        if self._begun:
            if self._messages:  # aiohttp parsed bytes of the body as another request: the body is broken
                self._fail_body()
        else:
            self._head_length += len(data)
            if not self.read_this_turn:
                self.read_this_turn = True
                asyncio.get_running_loop().call_soon(self._check_head_length)

    def _check_head_length(self) -> None:
        """Make a head that is too long invalid.

        Called one iteration of the event loop after bytes were read: by then aiohttp has begun the request if its head
        is complete.
        """
        self.read_this_turn = False
        if not self._begun and self._head_length > self._limits.largest_head:
            super().data_received(_INVALID_HEAD)

    async def _linger(self) -> None:
        """Discard what still arrives for a short time after the answer, before aiohttp closes the connection.

        Closing a socket with unread bytes makes the system reset the connection, and a reset can make the sender lose
        the answer.
        """
        self._answered = True
        transport = self.transport
        if transport is None or self._eof_seen or (self._body is not None and self._body.is_eof()):
            return
        if not transport.is_reading():
            transport.resume_reading()
        if transport.can_write_eof():
            with contextlib.suppress(OSError):  # the sender has just closed the connection; `connection_lost` follows
                transport.write_eof()
        loop = asyncio.get_running_loop()
        self.deadline = loop.time() + self._limits.lingering_time
        self._connection_limit.mark_idle(self)
        self._closed_waiter = loop.create_future()
        await self._closed_waiter

    def connection_lost(self, exc: BaseException | None) -> None:
        """Remove the connection from the connection limit. A callback that is being stored is still stored."""
        self._fail_body()
        super().connection_lost(exc)
        self._connection_limit.remove(self)
        if self._closed_waiter is not None and not self._closed_waiter.done():
            self._closed_waiter.set_result(None)
        self._body = self._closed_waiter = self._socket = None  # break reference cycles

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio uses the result; aiohttp returns None
        """Keep the connection half open for a sender that has sent everything and waits for the answer."""
        if self._answered or not (self._begun or self.read_this_turn) or self.transport is None:
            return False
        self._eof_seen = True
        self._fail_body()
        return self.transport.can_write_eof()  # a TLS connection cannot be half open

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - the message quotes what was sent
    ) -> Response:
        """Answer a request that is not HTTP, or whose handling failed with an unexpected exception."""
        if status < 500:  # broken requests of strangers are not logged
            if exc is not None:
                exc.with_traceback(None)  # break a reference cycle that only garbage collection would free
            self._body = None
            return self._refuse_invalid(self)
        _logger.error("a request could not be answered", exc_info=exc)  # trayalert's traceback contains no path
        return self.make_response(500)

    def has_received(self) -> bool:
        """Return whether any byte of the request has been read."""
        return self._head_length > 0

    def has_unread(self) -> bool:
        """Return whether the socket holds bytes that have not been read yet."""
        try:
            return self._socket is not None and bool(self._socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def abort(self) -> None:
        """Close the connection immediately."""
        if self.transport is not None:
            self.transport.abort()
        elif self.connect_task is not None:
            self.connect_task.cancel()

    def _fail_body(self) -> None:
        """Make the reader of an incomplete body fail, because the rest of the body will not come."""
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(web.RequestPayloadError())

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > self._limits.largest_remainder:
            self.abort()


class Server(web.Server):
    """Makes the protocols of new connections.

    If aiohttp does not know one of the limits, making a protocol raises `TypeError`. aiohttp's own server would drop
    all limits instead.
    """

    def __init__(
        self,
        handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        refuse_invalid: Callable[[HttpProtocol], Response],
        connection_limit: ConnectionLimit,
        limits: ListenerLimits,
        protocol_class: type[HttpProtocol] = HttpProtocol,
    ) -> None:
        # a sender that closes the connection must not cancel a commit
        super().__init__(handle, request_factory=_begin_request, handler_cancellation=False)
        self._connection_limit = connection_limit
        self._refuse_invalid = refuse_invalid
        self._limits = limits
        self._protocol_class = protocol_class

    def __call__(self) -> HttpProtocol:
        """Return the protocol of a new connection."""
        return self._protocol_class(self, self._connection_limit, self._refuse_invalid, self._limits)


def _begin_request(
    message: Any,  # aiohttp does not export the class
    body: StreamReader,
    connection: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    assert isinstance(connection, HttpProtocol)  # noqa: S101 - the server makes connections of this class only
    supported = message.version in _VERSIONS and not (message.chunked and message.version < HttpVersion11)
    connection.begin_request(body, supported_version=supported)
    if not supported:  # aiohttp answers with the request's version
        message = message._replace(version=HttpVersion11)
    return web.BaseRequest(message, body, connection, writer, task, asyncio.get_running_loop())
