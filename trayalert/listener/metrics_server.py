"""Serves `GET /metrics` for Prometheus and `GET /healthz` on a port of 127.0.0.1. Other host names get 404.

The attacker is a web page that uses DNS rebinding to make a browser on this computer send requests to this port. The
host name in a request of this attack is the attacker's.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from trayalert.listener.port import ListenerFault, port_fault

_HOST = "127.0.0.1"
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_DEADLINE = 5.0
_RETRY_INTERVAL = 2.0

_logger = logging.getLogger(__name__)
_silent_logger = logging.Logger(__name__, logging.CRITICAL + 1)  # noqa: LOG001 - drops messages on broken requests

Render = Callable[[], tuple[bytes, str]]
"""A function that returns the text of /metrics and its content type.

Called in a thread, because the function may read the log. Only one call runs at a time.
"""
CheckHealth = Callable[[], tuple[bool, str]]
"""A function that returns whether the program is healthy and, if not, a sentence that says why.

Called on the event loop.
"""


@dataclass(frozen=True, slots=True)
class MetricsServer:
    """A port that is open for metrics."""

    port: int
    _listening: asyncio.Server
    _server: web.Server

    async def close(self) -> None:
        """Close the port and all connections."""
        self._listening.close()
        await self._server.shutdown(1.0)


async def open_metrics(port: int, *, render: Render, check_health: CheckHealth) -> MetricsServer:
    """Answer requests on a port of 127.0.0.1. Port 0 picks a free port. Raise `ListenerFault`."""
    endpoint = _MetricsEndpoint(render, check_health)
    server = web.Server(endpoint.handle, access_log=None, logger=_silent_logger, keepalive_timeout=10.0)
    try:
        listening = await asyncio.get_running_loop().create_server(server, _HOST, port)
    except OSError as error:
        name = f"port {port} for metrics"
        reason = f"{name} cannot be opened: {error.strerror or error}. Set another metrics_port."
        raise port_fault(error, name, "set another metrics_port", "Set a metrics_port above 1023", reason) from error
    return MetricsServer(listening.sockets[0].getsockname()[1], listening, server)


async def serve_metrics(
    port: int, *, render: Render, check_health: CheckHealth, report: Callable[[int | None, str | None], None]
) -> None:
    """Answer requests until cancelled. If the port cannot be opened, try again at intervals.

    `report(port, None)` is called when the port is open, and `report(None, sentence)` when it cannot be opened.
    """
    reported: str | None = None
    while True:
        try:
            metrics = await open_metrics(port, render=render, check_health=check_health)
            break
        except ListenerFault as fault:
            if reported != str(fault):
                _logger.warning("%s Trying again every %g s.", fault, _RETRY_INTERVAL)
                report(None, f"{fault} It is tried again.")
            reported = str(fault)
            await asyncio.sleep(_RETRY_INTERVAL)
    report(metrics.port, None)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await metrics.close()


class _MetricsEndpoint:
    """Answers requests for metrics.

    All requests that arrive while the text is being made get the same text, so a slow disk blocks a single thread only.
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
