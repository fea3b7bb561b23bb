"""aiohttp's server, which makes connections of ours and tells each that its request begins."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter

from trayalert.listener.connection_limit import ConnectionLimit
from trayalert.listener.http_protocol import HttpProtocol
from trayalert.listener.response import Response

_VERSIONS = frozenset({HttpVersion10, HttpVersion11})


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
