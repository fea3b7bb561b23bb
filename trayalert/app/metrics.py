"""The metrics that Prometheus scrapes from the running program. Each metric is one row of `_METRICS`.

A metric whose value is unknown is left out, because 0 would be wrong. No value or label contains a secret, a name or an
id.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from trayalert import __version__
from trayalert.domain.fault import Fault
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import Totals
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.listener.counts import ListenerCounts
from trayalert.storage.reader import Reader


class LogMeasurements(NamedTuple):
    """Figures read from the log: the number of open incidents at each level, and the totals of the whole log."""

    open_levels: Mapping[Level, int]
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """The state of the program, from which all metrics are computed.

    `mode` is "tray" or "serve". `uptime` is in seconds. `log` is None if the log cannot be read.
    """

    mode: str
    uptime: float
    log: LogMeasurements | None
    counts: ListenerCounts
    storing: bool
    reach: ReachabilityState
    tunnel: TunnelState


_Samples = Iterable[tuple[dict[str, str], float]]
"""The samples of a metric that has labels. Each sample is a pair: the labels and the value."""


class _Metric(NamedTuple):
    name: str
    kind: str
    help: str
    read: Callable[[Measurements], float | _Samples | None]


def _seconds(length: Millis | None) -> float | None:
    return None if length is None else length / 1000


def _open_incidents(now: Measurements) -> _Samples | None:
    return now.log and [({"level": level}, now.log.open_levels.get(level, 0)) for level in Level]


_METRICS = (
    _Metric(
        "requests", "counter", "Requests that came to the door since the program started.",
        lambda now: now.counts.requests,
    ),
    _Metric(
        "callbacks_stored", "counter", "Callbacks that were answered with 200, as they are on disk.",
        lambda now: now.counts.stored,
    ),
    _Metric("strangers", "counter", "Requests that no secret let in.", lambda now: now.counts.strangers),
    _Metric(
        "probing_requests", "counter", "Requests of strangers that tried a wrong secret.", lambda now: now.counts.probes
    ),
    _Metric(
        "turned_away", "counter", "Requests with a right secret that got another answer than 200.",
        lambda now: now.counts.turned_away,
    ),
    _Metric("mistyped_requests", "counter", "Requests to a mistyped callback URL.", lambda now: now.counts.mistyped),
    _Metric("tunnel_restarts", "counter", "How often the tunnel was started again.", lambda now: now.tunnel.restarts),
    _Metric("alerts", "gauge", "Alerts in the log.", lambda now: now.log and now.log.totals.alerts),
    _Metric(
        "deliveries", "gauge", "Deliveries in the log, retries among them.",
        lambda now: now.log and now.log.totals.deliveries,
    ),
    _Metric(
        "unrecognised_alerts", "gauge", "Callbacks in the log that nobody could read.",
        lambda now: now.log and now.log.totals.unrecognised,
    ),
    _Metric("storing", "gauge", "1 while callbacks can be stored.", lambda now: now.storing),
    _Metric(
        "tunnel_up", "gauge", "1 while the tunnel stands; there is no such line without a tunnel.",
        lambda now: None if now.tunnel.phase is Phase.OFF else now.tunnel.phase is Phase.UP,
    ),
    _Metric("uptime_seconds", "gauge", "Seconds since the program started.", lambda now: now.uptime),
    _Metric(
        "last_callback_timestamp_seconds", "gauge", "When the last callback came.",
        lambda now: _seconds(now.log and now.log.totals.last_callback_at),
    ),
    _Metric(
        "reach_since_timestamp_seconds", "gauge", "Since when reach has been as it is.",
        lambda now: _seconds(now.reach.since),
    ),
    _Metric(
        "last_good_probe_timestamp_seconds", "gauge", "When a probe of the public address last came in.",
        lambda now: _seconds(now.reach.reachable_at),
    ),
    _Metric("probe_duration_seconds", "gauge", "How long that probe took.", lambda now: _seconds(now.reach.probe_ms)),
    _Metric("open_incidents", "gauge", "Incidents that are open now.", _open_incidents),
    _Metric(
        "reach", "gauge", "1 for the state that reach is in, else 0.",
        lambda now: [({"state": state.value}, state is now.reach.reach) for state in Reachability],
    ),
    _Metric("build", "info", "What runs here.", lambda now: [({"version": __version__, "front": now.mode}, 1)]),
)  # fmt: skip
_SUFFIXES = {"counter": "_total", "gauge": "", "info": "_info"}


def measure_log(log: Path) -> LogMeasurements | None:
    """Read the figures from the log. Return None if the log cannot be read."""
    try:
        with closing(Reader(log)) as reader:
            return LogMeasurements(reader.open_levels(), reader.totals())
    except Fault:
        return None


def prometheus_text(now: Measurements) -> tuple[bytes, str]:
    """Return a response body with the metrics in Prometheus' text format, and its content type."""
    # imported here, because the import costs memory and most users do not use metrics
    from prometheus_client import Metric, generate_latest  # noqa: PLC0415
    from prometheus_client.exposition import CONTENT_TYPE_LATEST  # noqa: PLC0415

    class Families:
        def collect(self) -> Iterator[Metric]:
            for name, kind, description, read in _METRICS:
                value = read(now)
                if value is not None:
                    family = Metric(f"trayalert_{name}", description, kind)
                    for labels, number in [({}, value)] if isinstance(value, float | int) else value:
                        family.add_sample(family.name + _SUFFIXES[kind], labels, number)
                    yield family

    return generate_latest(Families()), CONTENT_TYPE_LATEST
