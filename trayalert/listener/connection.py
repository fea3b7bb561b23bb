"""One connection: aiohttp's, which serves one request, with limits that cannot get lost and no word for strangers.

How long it may last is told by `until` and kept by the crowd: aiohttp has timers for some of it only, one for each.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

from aiohttp import StreamReader, web

from trayalert.listener import limits
from trayalert.listener.connection_limit import Crowd
from trayalert.listener.response import Answer

_NO_HTTP = b"\0"
"""Breaks each head that is not complete."""

_FIRST_BYTES = 256
"""Enough for the method and the path of a callback."""

_logger = logging.getLogger(__name__)
_http_logger = logging.getLogger(f"{__name__}.http")


class _NoPath(logging.Filter):
    """A traceback of aiohttp's may hold the path, and that the secret: it is not kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        record.exc_text = None
        return True


_http_logger.addFilter(_NoPath())


class Connection(web.RequestHandler):
    """A guest of the crowd, idle until its request has begun and when it was answered too early."""

    __slots__ = (
        "_all_said",
        "_answered",
        "_begun",
        "_body",
        "_crowd",
        "_drained",
        "_gone",
        "_heard",
        "_refuse",
        "_socket",
        "came_at",
        "connecting",
        "first_bytes",
        "fresh",
        "known_version",
        "peer",
        "until",
    )  # fmt: skip

    def __init__(
        self, server: web.Server, crowd: Crowd, refuse: Callable[["Connection"], Answer], **http_limits: Any
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
        self.came_at = loop.time()
        self.until = self.came_at + limits.HEADER_DEADLINE
        self.fresh = False
        self.known_version = False
        self.first_bytes = b""
        """How the first request begins, for one whose head aiohttp cannot read."""
        self.peer = ""
        self.connecting: asyncio.Task[None] | None = None
        self._crowd = crowd
        self._refuse = refuse
        self._body: StreamReader | None = None
        self._heard = self._drained = 0
        self._begun = self._answered = self._all_said = False
        self._gone: asyncio.Future[None] | None = None
        self._socket: socket.socket | None = None

    def take(self, accepted: socket.socket, peer: str) -> None:
        """Be the connection of this socket."""
        self._socket = accepted
        self.peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read; with TLS only now, as the hands are shaken."""
        super().connection_made(transport)
        until = min(asyncio.get_running_loop().time() + limits.HEADER_DEADLINE, self.came_at + limits.LONGEST_VISIT)
        if until < self.until:
            self.until = until
            self._crowd.hurry(self)

    def wait_for_handshake(self) -> None:
        """Let a TLS handshake come before the request."""
        self.until = self.came_at + limits.LONGEST_VISIT

    def begin(self, body: StreamReader, *, known_version: bool) -> None:
        """Be kept: the head is complete, or no HTTP."""
        self._begun = True
        self.known_version = known_version
        self._body = body
        if self._all_said or self._messages:
            self._end_body()
        self._crowd.engage(self)

    def say(self, status: int, text: str = "", *, retry_after: int | None = None) -> Answer:
        """Return the one answer."""
        return Answer(status, text, linger=self._linger, retry_after=retry_after)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._answered:
            self._drain(len(data))
            return
        if len(self.first_bytes) < _FIRST_BYTES:
            self.first_bytes += data[: _FIRST_BYTES - len(self.first_bytes)]
        super().data_received(data)
        if self._begun:
            if self._messages:  # behind a body that is not complete: what follows in it is broken
                self._end_body()
        else:
            self._heard += len(data)
            if not self.fresh:
                self.fresh = True
                asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        """Look again a turn later: with a complete head aiohttp has begun by then."""
        self.fresh = False
        if not self._begun and self._heard > limits.LARGEST_HEAD:
            super().data_received(_NO_HTTP)

    async def _linger(self) -> None:
        """Read and drop for a moment what is still on its way after the answer, before aiohttp closes.

        Closing with something unread would make the system reset the connection, and that could undo the answer.
        """
        self._answered = True
        transport = self.transport
        if transport is None or self._all_said or (self._body is not None and self._body.is_eof()):
            return
        if not transport.is_reading():
            transport.resume_reading()
        if transport.can_write_eof():
            with contextlib.suppress(OSError):  # the sender hung up just now; `connection_lost` follows
                transport.write_eof()
        loop = asyncio.get_running_loop()
        self.until = loop.time() + limits.LINGERING
        self._crowd.disengage(self)
        self._gone = loop.create_future()
        await self._gone

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the crowd. A callback that is being stored is stored all the same."""
        self._end_body()
        super().connection_lost(exc)
        self._crowd.leave(self)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        self._body = self._gone = self._socket = None  # they hold on to each other: the collector would have to look

    def eof_received(self) -> bool:  # type: ignore[override] # aiohttp's says None; asyncio asks for this
        """Keep the way back open for a sender that has said all and waits for its answer."""
        if self._answered or not (self._begun or self.fresh) or self.transport is None:
            return False
        self._all_said = True
        self._end_body()
        return self.transport.can_write_eof()  # with TLS there is no half way

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it would quote what was sent
    ) -> Answer:
        """Answer what is no HTTP, or where we have failed."""
        if status < 500:  # what strangers send that is broken is no news
            if exc is not None:
                exc.with_traceback(None)  # its frames hold on to it: the collector would have to look
            self._body = None
            return self._refuse(self)
        _logger.error("a request could not be answered", exc_info=exc)  # a bug of ours; its traceback holds no path
        return self.say(500)

    def heard(self) -> bool:
        """Whether it has said anything, or was answered already."""
        return self._heard > 0

    def unread(self) -> bool:
        """Whether bytes of it are here that were not read yet."""
        try:
            return self._socket is not None and bool(self._socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def expel(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.abort()
        elif self.connecting is not None:
            self.connecting.cancel()

    def _end_body(self) -> None:
        """Let the reader of a body that is not complete know that nothing more of it comes."""
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(web.RequestPayloadError())

    def _drain(self, count: int) -> None:
        self._drained += count
        if self._drained > limits.LARGEST_REMAINDER:
            self.expel()
