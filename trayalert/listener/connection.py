"""One connection: aiohttp's, with limits that cannot get lost, and with no word for strangers.

It serves one request. What cannot be read is answered as shortly as all else: aiohttp would echo the path, name itself,
and log it all.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from trayalert.listener import limits
from trayalert.listener.crowd import Crowd

_logger = logging.getLogger(__name__)
_http_logger = logging.getLogger(f"{__name__}.http")

_HEADERS = CIMultiDict({"Server": "", "Cache-Control": "no-store"})
"""What program answers is nobody's business."""
_OK_HEADERS = CIMultiDict({**_HEADERS, "Content-Type": "text/plain"})


class _NoPath(logging.Filter):
    """A traceback of aiohttp's may hold the path, and that the secret: it is not kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        record.exc_text = None
        return True


_http_logger.addFilter(_NoPath())


def answer_of(status: int, text: str = "") -> web.Response:
    """Return an answer after which the connection is closed: what else was sent on it is never executed."""
    if status == 200:
        response = web.Response(body=b"ok\n", headers=_OK_HEADERS)
    else:
        response = web.Response(status=status, text=text, headers=_HEADERS)
    response.force_close()
    return response


class Connection(web.RequestHandler):
    """A guest of the crowd. `refuse` answers what could not be read."""

    __slots__ = ("_crowd", "_heard", "_refuse", "_socket", "came_at", "connecting", "peer")

    def __init__(
        self, server: "Server", crowd: Crowd, refuse: Callable[["Connection"], web.Response], **http_limits: Any
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(server, loop=loop, access_log=None, logger=_http_logger, **http_limits)  # type: ignore[arg-type]
        self.came_at = loop.time()
        self.peer = ""
        self.connecting: asyncio.Task[None] | None = None
        self._crowd = crowd
        self._refuse = refuse
        self._heard = 0
        self._socket: socket.socket | None = None

    def takes(self, accepted: socket.socket, peer: str) -> None:
        """Be the connection of this socket."""
        self._socket = accepted
        self.peer = peer

    def data_received(self, data: bytes) -> None:
        """Read on; a complete head is a request under way."""
        super().data_received(data)
        if self._heard < 0:
            return
        self._heard += len(data)
        if self._messages:
            self._heard = -1
            self._crowd.engage(self)
        elif self._heard > limits.LARGEST_HEAD:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the crowd."""
        super().connection_lost(exc)
        self._crowd.leave(self)

    def unread(self) -> bool:
        """Whether its first bytes are here and were not read yet."""
        if self._heard or self._socket is None:
            return False
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def expel(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.abort()
        elif self.connecting is not None:
            self.connecting.cancel()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it would quote what was sent
    ) -> web.StreamResponse:
        """Answer what cannot be read, or where we have failed."""
        if status >= 500:  # a bug of ours; what strangers send that is broken is no news
            _logger.error("a request could not be answered", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        return answer_of(status) if status >= 500 else self._refuse(self)


class Server(web.Server):
    """Makes connections with the limits as they are given, where aiohttp would drop all for a mistyped one."""

    def __init__(
        self,
        answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        refuse: Callable[[Connection], web.Response],
        crowd: Crowd,
        **http_limits: Any,
    ) -> None:
        super().__init__(answer)
        self._crowd = crowd
        self._refuse = refuse
        self._http_limits = http_limits

    def __call__(self) -> Connection:
        """Make a connection."""
        return Connection(self, self._crowd, self._refuse, **self._http_limits)
