"""Subclasses of aiohttp's server, connection and response, with limits that aiohttp lacks.

A connection serves a single request. aiohttp's timers cover only a part of a connection's life. `ConnectionLimit`
therefore enforces the `deadline` of each connection.
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
"""The headers of every response. The empty `Server` replaces the name and version of aiohttp."""
_VERSIONS = frozenset({HttpVersion10, HttpVersion11})
_INVALID_HEAD = b"\0"
"""A byte that is invalid everywhere in a request head. aiohttp's parser rejects any head with this byte."""
_MOST_FIRST_BYTES = 256
"""Number of bytes to keep from the beginning of a request. The method and path of a callback are shorter."""

_logger = logging.getLogger(__name__)
_http_logger = logging.getLogger(f"{__name__}.http")


class _TracebackFilter(logging.Filter):
    """Removes the tracebacks from aiohttp's log records. A traceback may contain the path, and thus the secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        record.exc_text = None
        return True


_http_logger.addFilter(_TracebackFilter())


class Response(web.Response):
    """A response after which the connection is closed. Further requests on the connection are not answered."""

    def __init__(
        self, status: int, text: str = "", *, linger: Callable[[], Awaitable[None]], retry_after: int | None = None
    ) -> None:
        super().__init__(status=status, body=text.encode(), headers=_HEADERS)
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)
        self.force_close()
        self._linger = linger

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the answer, and call `linger` to let the sender read the answer before the connection closes."""
        await super().write_eof(data)
        await self._linger()


class HttpProtocol(web.RequestHandler):
    """One connection to the listener.

    For `ConnectionLimit`, a connection has these states in this order:

    - idle, until the request head is complete
    - busy, until the request is answered
    - idle, until the sender closes the connection
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
        """The beginning of the request. If aiohttp cannot parse the request head, the path is read from these bytes."""
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
        """Set the accepted socket and the peer's address."""
        self._socket = accepted
        self.peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start reading, and set the deadline for the request head.

        With TLS, asyncio calls this method after the handshake.
        """
        super().connection_made(transport)
        now, limits = asyncio.get_running_loop().time(), self._limits
        deadline = min(now + limits.header_deadline, self.accepted_at + limits.longest_connection)
        if deadline < self.deadline:
            self.deadline = deadline
            self._connection_limit.reschedule(self)

    def wait_for_handshake(self) -> None:
        """Extend the deadline, because a TLS handshake precedes the request."""
        self.deadline = self.accepted_at + self._limits.longest_connection

    def begin_request(self, body: StreamReader, *, supported_version: bool) -> None:
        """Mark the connection as busy after the request head is complete.

        `body` is the stream from which the request's body will be read. `supported_version` says whether the listener
        supports the request's version of HTTP.
        """
        self._begun = True
        self.supported_version = supported_version
        self._body = body
        if self._eof_seen or self._messages:
            self._fail_body()
        self._connection_limit.mark_busy(self)

    def make_response(self, status: int, text: str = "", *, retry_after: int | None = None) -> Response:
        """Return a response that closes this connection.

        `retry_after` is the number of seconds for the `Retry-After` header, or None to leave the header out.
        """
        return Response(status, text, linger=self._linger, retry_after=retry_after)

    def data_received(self, data: bytes) -> None:
        """Pass the bytes to aiohttp's parser, or discard them if the request has already been answered."""
        if self._answered:
            self._discard(len(data))
            return
        if len(self.first_bytes) < _MOST_FIRST_BYTES:
            self.first_bytes += data[: _MOST_FIRST_BYTES - len(self.first_bytes)]
        super().data_received(data)
        if self._begun:
            if self._messages:  # aiohttp found a further request: a body that is still incomplete is broken
                self._fail_body()
        else:
            self._head_length += len(data)
            if not self.read_this_turn:
                self.read_this_turn = True
                asyncio.get_running_loop().call_soon(self._check_head_length)

    def _check_head_length(self) -> None:
        """Reject a request head that is too long and still incomplete.

        This method runs one iteration of the event loop after `data_received`. If the head is complete, aiohttp calls
        `begin_request` before this method runs.
        """
        self.read_this_turn = False
        if not self._begun and self._head_length > self._limits.largest_head:
            super().data_received(_INVALID_HEAD)

    async def _linger(self) -> None:
        """Read and discard the rest of an answered request until the sender closes the connection.

        `lingering_time` limits the time, and `largest_remainder` limits the number of bytes. If the request has already
        been read to its end, return immediately.

        If a connection is closed with unread bytes, the system resets the connection. After a reset, the sender may be
        unable to read the answer.
        """
        self._answered = True
        transport = self.transport
        if transport is None or self._eof_seen or (self._body is not None and self._body.is_eof()):
            return
        if not transport.is_reading():
            transport.resume_reading()
        if transport.can_write_eof():
            with contextlib.suppress(OSError):  # the sender has closed the connection; `connection_lost` comes next
                transport.write_eof()
        loop = asyncio.get_running_loop()
        self.deadline = loop.time() + self._limits.lingering_time
        self._connection_limit.mark_idle(self)
        self._closed_waiter = loop.create_future()
        await self._closed_waiter

    def connection_lost(self, exc: BaseException | None) -> None:
        """Clean up after the connection has closed. This method does not stop a callback from being stored."""
        self._fail_body()
        super().connection_lost(exc)
        self._connection_limit.remove(self)
        if self._closed_waiter is not None and not self._closed_waiter.done():
            self._closed_waiter.set_result(None)
        self._body = self._closed_waiter = self._socket = None  # break reference cycles

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio uses the result; aiohttp returns None
        """Return whether to keep the connection half-open, so that the request can still be answered.

        asyncio calls this method after the sender has closed its sending side. The rest of an incomplete body will
        never arrive, so an attempt to read the body raises an exception from now on.
        """
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
        """Return the answer to a request that is not valid HTTP, or that could not be handled because of a bug."""
        if status < 500:  # not logged, because any stranger can send broken requests
            if exc is not None:
                exc.with_traceback(None)  # break a reference cycle that only garbage collection would free
            self._body = None
            return self._refuse_invalid(self)
        _logger.error("a request could not be answered", exc_info=exc)  # this traceback does not contain the path
        return self.make_response(500)

    def has_received(self) -> bool:
        """Return whether any byte of the request has been read."""
        return self._head_length > 0

    def has_unread(self) -> bool:
        """Return whether bytes are waiting to be read."""
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
        """Let reads of an incomplete body raise an exception, because the rest of the body will never arrive."""
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(web.RequestPayloadError())

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > self._limits.largest_remainder:
            self.abort()


class Server(web.Server):
    """Creates an `HttpProtocol` for each new connection.

    If aiohttp does not know the parameter for a limit, a call of the server raises `TypeError`. aiohttp's own server
    would instead ignore all limits.
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
        """Return the protocol for a new connection."""
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
    if not supported:  # aiohttp would write the unsupported version into its answer
        message = message._replace(version=HttpVersion11)
    return web.BaseRequest(message, body, connection, writer, task, asyncio.get_running_loop())
