"""`GET /metrics` for Prometheus and `GET /healthz`, on a port of their own that only this computer reaches.

Its rule: no secret, no name and no id is told, and nobody is answered who came by a name that is not this computer's
(a web page could lead a browser here by a name of its own).
"""

import asyncio
import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from trayalert.listener.listener_fault import DoorFault
from trayalert.listener.measurements import Measured

_HOST = "127.0.0.1"
_OUR_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_DEADLINE = 5.0
_TRY_AGAIN = 2.0
"""Seconds."""

_logger = logging.getLogger(__name__)
_silent = logging.Logger(__name__, logging.CRITICAL + 1)  # noqa: LOG001 - one that nobody hears
"""For what aiohttp would say of broken requests."""

Measure = Callable[[], Measured]
Healthy = Callable[[], tuple[bool, str]]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The open port."""

    port: int
    _listening: asyncio.Server
    _server: web.Server

    async def close(self) -> None:
        """Answer nobody any more."""
        self._listening.close()
        await self._server.shutdown(1.0)


async def open_metrics(port: int, *, measured: Measure, healthy: Healthy) -> Metrics:
    """Answer on 127.0.0.1 and that port (0 picks a free one). Raise DoorFault.

    `measured` is called in a thread, one call at a time, as it may read the log; `healthy` on the loop.
    """
    server = web.Server(_Answers(measured, healthy).answer, access_log=None, logger=_silent, keepalive_timeout=10.0)
    try:
        listening = await asyncio.get_running_loop().create_server(server, _HOST, port)
    except OSError as error:
        raise DoorFault(_why(port, error)) from error
    return Metrics(listening.sockets[0].getsockname()[1], listening, server)


async def keep_metrics(
    port: int, *, measured: Measure, healthy: Healthy, tell: Callable[[int | None, str | None], None]
) -> None:
    """Answer until this is cancelled; a port that cannot be had is tried again. `tell` hears the port, or why not."""
    told: str | None = None
    while True:
        try:
            metrics = await open_metrics(port, measured=measured, healthy=healthy)
            break
        except DoorFault as fault:
            if told != str(fault):
                _logger.warning("%s Trying again every %g s.", fault, _TRY_AGAIN)
                tell(None, f"{fault} It is tried again.")
            told = str(fault)
            await asyncio.sleep(_TRY_AGAIN)
    tell(metrics.port, None)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await metrics.close()


def _why(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} for metrics is taken by another program. End it, or set another metrics_port."
    if error.errno == errno.EACCES:
        return f"port {port} for metrics may not be opened by this user. Set a metrics_port above 1023."
    return f"port {port} for metrics cannot be opened: {error.strerror or error}. Set another metrics_port."


class _Answers:
    """Answers requests. Who asks while the log is being read gets the same answer: a slow disk keeps one thread."""

    def __init__(self, measured: Measure, healthy: Healthy) -> None:
        self._measured = measured
        self._healthy = healthy
        self._under_way: asyncio.Task[tuple[bytes, str]] | None = None

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        host = (request.headers.get("Host") or "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if request.method != "GET" or name not in _OUR_NAMES:
            return web.Response(status=404)
        try:
            if request.path == "/metrics":
                return await self._metrics()
            if request.path == "/healthz":
                well, sentence = self._healthy()
                return web.Response(status=200 if well else 503, text=("ok" if well else sentence) + "\n")
        except TimeoutError:
            return web.Response(status=503, text="the log did not answer in time\n")
        except Exception:
            _logger.exception("no metrics could be told")
            return web.Response(status=500)
        return web.Response(status=404)

    async def _metrics(self) -> web.Response:
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(asyncio.to_thread(self._text))
        text, kind = await asyncio.wait_for(asyncio.shield(self._under_way), _DEADLINE)
        return web.Response(body=text, headers={"Content-Type": kind})

    def _text(self) -> tuple[bytes, str]:
        # imported only where somebody asks: it costs memory, and most people never do
        from trayalert.listener.prometheus import as_prometheus  # noqa: PLC0415

        return as_prometheus(self._measured())
