"""aiohttp's server, which makes connections of ours and tells each that its request begins."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter

from trayalert.listener.connection import Connection
from trayalert.listener.connection_limit import Crowd
from trayalert.listener.response import Answer

_VERSIONS = frozenset({HttpVersion10, HttpVersion11})


class Server(web.Server):
    """Gives the limits on as they are, where aiohttp would drop all for a mistyped one."""

    def __init__(
        self,
        answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        refuse: Callable[[Connection], Answer],
        crowd: Crowd,
        **http_limits: Any,
    ) -> None:
        # a sender that leaves must not cancel a commit
        super().__init__(answer, request_factory=_begin, handler_cancellation=False)
        self._crowd = crowd
        self._refuse = refuse
        self._http_limits = http_limits

    def __call__(self) -> Connection:
        """Make a connection."""
        return Connection(self, self._crowd, self._refuse, **self._http_limits)


def _begin(
    message: Any,  # of a class that aiohttp keeps to itself
    body: StreamReader,
    connection: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    assert isinstance(connection, Connection)  # noqa: S101 - the server makes no others
    known = message.version in _VERSIONS and not (message.chunked and message.version < HttpVersion11)
    connection.begin(body, known_version=known)
    if not known:  # the answer names the request's version, and must not claim one that we do not speak
        message = message._replace(version=HttpVersion11)
    return web.BaseRequest(message, body, connection, writer, task, asyncio.get_running_loop())
