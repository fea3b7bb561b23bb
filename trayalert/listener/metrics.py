"""`GET /metrics` for Prometheus and `GET /healthz`, on a port of their own that only this computer reaches.

Its rule: no secret, no name and no id is told, and nobody is answered who came by a name that is not this computer's
(a web page could lead a browser here by a name of its own).
"""

import asyncio
import contextlib
import errno
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from trayalert.domain.level import Level
from trayalert.domain.reach import Reach
from trayalert.domain.times import Millis
from trayalert.listener.faults import DoorFault
from trayalert.listener.measured import Measured

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_HOST = "127.0.0.1"
_OUR_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_DEADLINE = 5.0
_TRY_AGAIN = 2.0
"""Seconds."""

_logger = logging.getLogger(__name__)
_silent = logging.Logger(__name__, logging.CRITICAL + 1)
"""For what aiohttp would say of broken requests."""

Measure = Callable[[], Measured]
Healthy = Callable[[], tuple[bool, str]]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The open port."""

    port: int
    _listening: asyncio.Server
    _server: web.Server[Any]

    async def close(self) -> None:
        """Answer nobody any more."""
        self._listening.close()
        await self._server.shutdown(1.0)


async def open_metrics(port: int, *, measured: Measure, healthy: Healthy) -> Metrics:
    """Answer on 127.0.0.1 and that port (0 picks a free one). Raise DoorFault.

    `measured` is called in a thread, one call at a time, as it may read the log; `healthy` on the loop.
    """
    server = web.Server(_answering(measured, healthy), access_log=None, logger=_silent, keepalive_timeout=10.0)
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


def _answering(measured: Measure, healthy: Healthy) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    at_once = asyncio.Lock()

    async def metrics() -> web.Response:
        async with asyncio.timeout(_DEADLINE), at_once:
            text, kind = await asyncio.to_thread(_text, measured)
        return web.Response(body=text, headers={"Content-Type": kind})

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        host = (request.headers.get("Host") or "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if request.method != "GET" or name not in _OUR_NAMES:
            return web.Response(status=404)
        try:
            if request.path == "/metrics":
                return await metrics()
            if request.path == "/healthz":
                well, sentence = healthy()
                return web.Response(status=200 if well else 503, text=("ok" if well else sentence) + "\n")
        except TimeoutError:
            return web.Response(status=503, text="the log did not answer in time\n")
        except Exception:
            _logger.exception("no metrics could be told")
            return web.Response(status=500)
        return web.Response(status=404)

    return answer


def _text(measured: Measure) -> tuple[bytes, str]:
    # imported only where somebody asks: it costs memory, and most people never do
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.exposition import CONTENT_TYPE_LATEST  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    found = measured()

    class Now(Collector):
        def collect(self) -> "Iterator[Metric]":
            return _families(found)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Now())
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _families(now: Measured) -> "Iterator[Metric]":
    from prometheus_client.core import (  # noqa: PLC0415 - see above
        CounterMetricFamily,
        GaugeMetricFamily,
        InfoMetricFamily,
    )

    def gauge(name: str, told: str, value: float | None) -> "Iterator[Metric]":
        if value is not None:
            yield GaugeMetricFamily(f"trayalert_{name}", told, value=value)

    for name, told, count in (
        ("requests", "Requests that came to the door since the program started.", now.requests),
        ("callbacks_stored", "Callbacks that were answered with 200, as they are on disk.", now.stored),
        ("strangers", "Requests that no secret let in.", now.strangers),
        ("probing_requests", "Requests of strangers that tried a wrong secret.", now.probes),
        ("turned_away", "Requests with a right secret that another rule kept out.", now.turned_away),
        ("tunnel_restarts", "How often the tunnel was started again.", now.tunnel_restarts),
    ):
        yield CounterMetricFamily(f"trayalert_{name}", told, value=count)
    if now.open_incidents is not None:
        incidents = GaugeMetricFamily("trayalert_open_incidents", "Incidents that are open now.", labels=["level"])
        for level in Level:
            incidents.add_metric([level.lower()], now.open_incidents.get(level, 0))
        yield incidents
    yield from gauge("alerts", "Alerts in the log.", now.alerts)
    yield from gauge("deliveries", "Deliveries in the log, retries among them.", now.deliveries)
    yield from gauge("unrecognised_alerts", "Callbacks in the log that nobody could read.", now.unrecognised)
    yield from gauge("last_callback_timestamp_seconds", "When the last callback came.", _seconds(now.last_callback_at))
    yield from gauge("storing", "1 while callbacks can be stored.", now.storing)
    reach = GaugeMetricFamily("trayalert_reach", "1 for what is known of reach, 0 for all else.", labels=["state"])
    for state in Reach:
        reach.add_metric([state], state is now.reach)
    yield reach
    yield from gauge("reach_since_timestamp_seconds", "Since when reach has been so.", _seconds(now.reach_since))
    yield from gauge(
        "last_good_probe_timestamp_seconds",
        "When a probe of the public address last came in.",
        _seconds(now.probe_good_at),
    )
    yield from gauge("probe_duration_seconds", "How long that took.", _seconds(now.probe_ms))
    yield from gauge("tunnel_up", "1 while the tunnel stands; there is no such line without a tunnel.", now.tunnel_up)
    yield from gauge("uptime_seconds", "How long the program has been running.", now.uptime)
    words = {"version": now.version, "front": now.front, **now.more}
    yield InfoMetricFamily("trayalert_build", "What runs here.", value=words)


def _seconds(length: Millis | None) -> float | None:
    return None if length is None else length / 1000
