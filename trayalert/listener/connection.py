"""One connection, which serves one request: aiohttp's parser reads it, the door answers it, and it is closed.

aiohttp's own protocol would keep it open, make tasks and timers for all who only knock, and write down what they sent.
"""

import asyncio
import logging
import socket
from typing import Any, Protocol

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader

from trayalert.listener import limits
from trayalert.listener.answers import answer_of
from trayalert.listener.crowd import Crowd

_logger = logging.getLogger(__name__)


class BrokenBody(Exception):
    """A body that its own framing contradicts, or that ended too soon."""


class Answers(Protocol):
    """Who answers. Each call leads to `Connection.say`, sooner or later."""

    def meet(self, connection: "Connection", message: RawRequestMessage, body: StreamReader) -> None:
        """Answer a request whose head is complete."""
        ...

    def refuse(self, connection: "Connection") -> None:
        """Answer what is no HTTP."""
        ...


class Connection(BaseProtocol):
    """A guest of the crowd, idle until its request is complete and when it was turned away."""

    __slots__ = (
        "_all_said", "_answered", "_answers", "_body", "_crowd", "_drained", "_heard", "_socket",
        "answering", "came_at", "connecting", "peer", "until",
    )  # fmt: skip

    def __init__(self, answers: Answers, crowd: Crowd, **http_limits: Any) -> None:
        loop = asyncio.get_running_loop()
        parser = HttpRequestParser(
            self,
            loop,
            limits.LARGEST_BODY,
            payload_exception=BrokenBody,
            max_msg_queue_size=1,  # what follows the first request is never read
            auto_decompress=False,
            **http_limits,
        )
        super().__init__(loop, parser)
        self.came_at = loop.time()
        self.until = self.came_at + limits.HEADER_DEADLINE
        self.peer = ""
        self.connecting: asyncio.Task[None] | None = None
        self.answering: asyncio.Task[None] | None = None
        self._answers = answers
        self._crowd = crowd
        self._body: StreamReader | None = None
        self._heard = self._drained = 0
        self._answered = self._all_said = False
        self._socket: socket.socket | None = None

    def take(self, accepted: socket.socket, peer: str) -> None:
        """Be the connection of this socket."""
        self._socket = accepted
        self.peer = peer

    def wait_for_handshake(self) -> None:
        """Let a TLS handshake come before the request."""
        self.until = self.came_at + limits.LONGEST_VISIT

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; asyncio has set what aiohttp would set on the socket once more."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream's
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._answered:
            self._drain(len(data))
            return
        if self._parser is None:
            return
        self._heard += len(data)
        try:
            messages, _, _ = self._parser.feed_data(data)
        except HttpProcessingError:
            self._break()
            return
        if messages and self._body is None:
            message, self._body = messages[0]
            self._crowd.engage(self)
            try:
                self._answers.meet(self, message, self._body)
            except Exception:  # a bug of ours; its traceback holds no path
                _logger.exception("a request could not be answered")
                self.say(500)
        elif self._body is None and self._heard > limits.LARGEST_HEAD:
            self._answers.refuse(self)

    def say(self, status: int, text: str = "") -> None:
        """Give the one answer, and close. What is still on its way is read and dropped for a moment first."""
        if self._answered or self.transport is None:
            return
        self._answered = True
        transport = self.transport
        transport.write(answer_of(status, text))
        if self._all_said or (self._body is not None and self._body.is_eof()):
            transport.close()
            return
        # closing with something unread would make the system reset the connection, and that could undo the answer
        if self._reading_paused:
            transport.resume_reading()
        if transport.can_write_eof():
            transport.write_eof()
        self.until = self._loop.time() + limits.LINGERING
        self._crowd.disengage(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the crowd. A callback that is being stored is stored all the same."""
        super().connection_lost(exc)
        self._end_body()
        self._crowd.leave(self)
        self._parser = self._body = self._socket = None  # they hold on to each other: the collector would have to look

    def eof_received(self) -> bool:
        """Keep the way back open for a sender that has said all and waits for its answer."""
        if self._answered or self._body is None or self.transport is None:
            return False
        self._all_said = True
        self._end_body()
        return self.transport.can_write_eof()  # with TLS there is no half way

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

    def _break(self) -> None:
        if self._body is None:
            self._answers.refuse(self)
        else:
            self._end_body()

    def _end_body(self) -> None:
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(BrokenBody())

    def _drain(self, count: int) -> None:
        self._drained += count
        if self._drained > limits.LARGEST_REMAINDER:
            self.expel()
