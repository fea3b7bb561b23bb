"""Serves `GET /metrics` for Prometheus and `GET /healthz` on a port of 127.0.0.1.

The attacker is a web page in a browser on this computer. By DNS rebinding, the page can send requests to this port. The
`Host` header of these requests contains the attacker's host name. A request whose `Host` header does not name this
computer therefore gets 404.
"""

import asyncio
import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from trayalert.domain.fault import os_reason
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.listener.port import ListenerFault

_HOST = "127.0.0.1"
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_DEADLINE = 5.0
_RETRY_INTERVAL = 2.0
_REASONS = {
    errno.EADDRINUSE: N_("port {port} for metrics is taken by another program. End it, or set another metrics_port."),
    errno.EACCES: N_("port {port} for metrics may not be opened by this user. Set a metrics_port above 1023."),
}
"""The usual reasons why the port cannot be opened, and what the user can do."""

_logger = logging.getLogger(__name__)
_silent_logger = logging.Logger(__name__, logging.CRITICAL + 1)  # noqa: LOG001 - drops messages on broken requests

Render = Callable[[], tuple[bytes, str]]
"""A function that returns the body and the content type of `/metrics`.

The function is called in a thread, because it may read the log. No two calls run at the same time.
"""
CheckHealth = Callable[[], tuple[bool, str]]
"""A function that returns whether the program is healthy, and a sentence that says why the program is not healthy.

The sentence is ignored if the program is healthy. The function is called on the event loop.
"""


@dataclass(frozen=True, slots=True)
class MetricsServer:
    """An open metrics server."""

    port: int
    _listening: asyncio.Server
    _server: web.Server

    async def close(self) -> None:
        """Stop listening on the port and close all connections."""
        self._listening.close()
        await self._server.shutdown(1.0)


async def open_metrics(port: int, *, render: Render, check_health: CheckHealth) -> MetricsServer:
    """Open the metrics server on a port of 127.0.0.1. Raise `ListenerFault` if the port cannot be opened.

    If `port` is 0, the system chooses a free port.
    """
    endpoint = _MetricsEndpoint(render, check_health)
    server = web.Server(endpoint.handle, access_log=None, logger=_silent_logger, keepalive_timeout=10.0)
    try:
        listening = await asyncio.get_running_loop().create_server(server, _HOST, port)
    except OSError as error:
        text = _REASONS.get(
            error.errno or 0, N_("port {port} for metrics cannot be opened: {reason}. Set another metrics_port.")
        )
        raise ListenerFault(Phrase(text, port=port, reason=os_reason(error))) from error
    return MetricsServer(listening.sockets[0].getsockname()[1], listening, server)


async def serve_metrics(
    port: int, *, render: Render, check_health: CheckHealth, report: Callable[[int | None, str | None], None]
) -> None:
    """Run the metrics server until this coroutine is cancelled. If the port cannot be opened, try again at intervals.

    - If the port cannot be opened, `report(None, sentence)` is called with the reason. The same reason is not reported
      twice in a row.
    - After the port has been opened, `report(port, None)` is called.
    """
    reported: str | None = None
    while True:
        try:
            metrics = await open_metrics(port, render=render, check_health=check_health)
            break
        except ListenerFault as fault:
            if reported != str(fault):
                _logger.warning("%s Trying again every %g s.", fault, _RETRY_INTERVAL)
                report(None, PhraseList([str(fault), Phrase("It is tried again.")]))
            reported = str(fault)
            await asyncio.sleep(_RETRY_INTERVAL)
    report(metrics.port, None)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await metrics.close()


class _MetricsEndpoint:
    """Answers requests for metrics.

    All requests that arrive during a call of `render` get the result of this call. A slow disk therefore blocks only
    one thread.
    """

    def __init__(self, render: Render, check_health: CheckHealth) -> None:
        self._render = render
        self._check_health = check_health
        self._rendering: asyncio.Task[tuple[bytes, str]] | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        host = (request.headers.get("Host") or "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if request.method != "GET" or name not in _LOCAL_NAMES:
            return web.Response(status=404)
        try:
            if request.path == "/metrics":
                return await self._answer_metrics()
            if request.path == "/healthz":
                healthy, sentence = self._check_health()
                return web.Response(status=200 if healthy else 503, text=("ok" if healthy else sentence) + "\n")
        except TimeoutError:
            return web.Response(status=503, text="the log did not answer in time\n")
        except Exception:
            _logger.exception("no metrics could be told")
            return web.Response(status=500)
        return web.Response(status=404)

    async def _answer_metrics(self) -> web.Response:
        if self._rendering is None or self._rendering.done():
            self._rendering = asyncio.create_task(asyncio.to_thread(self._render))
        text, content_type = await asyncio.wait_for(asyncio.shield(self._rendering), _DEADLINE)
        return web.Response(body=text, headers={"Content-Type": content_type})
