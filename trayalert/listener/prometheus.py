"""What is measured, as Prometheus reads it. Its rule: what is not known is left out."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from trayalert.domain.incident.level import Level
from trayalert.domain.reachability import Reachability
from trayalert.domain.times import Millis
from trayalert.listener.measurements import Measurements

_COUNTERS = {
    "requests": "Requests that came to the door since the program started.",
    "stored": "Callbacks that were answered with 200, as they are on disk.",
    "strangers": "Requests that no secret let in.",
    "probes": "Requests of strangers that tried a wrong secret.",
    "turned_away": "Requests with a right secret that got another answer than 200.",
    "mistyped": "Requests to a mistyped callback URL.",
    "tunnel_restarts": "How often the tunnel was started again.",
}
_GAUGES = {
    "alerts": "Alerts in the log.",
    "deliveries": "Deliveries in the log, retries among them.",
    "unrecognised": "Callbacks in the log that nobody could read.",
    "storing": "1 while callbacks can be stored.",
    "tunnel_up": "1 while the tunnel stands; there is no such line without a tunnel.",
    "uptime": "Seconds since the program started.",
}
_TIMESTAMPS = {
    "last_callback_at": "When the last callback came.",
    "reach_since": "Since when reach has been as it is.",
    "probe_good_at": "When a probe of the public address last came in.",
}
_NAMES = {
    "stored": "callbacks_stored",
    "probes": "probing_requests",
    "mistyped": "mistyped_requests",
    "unrecognised": "unrecognised_alerts",
    "uptime": "uptime_seconds",
    "last_callback_at": "last_callback_timestamp_seconds",
    "reach_since": "reach_since_timestamp_seconds",
    "probe_good_at": "last_good_probe_timestamp_seconds",
}
"""Where the metric is not called as the field is."""


class _MeasurementsCollector(Collector):
    def __init__(self, measurements: Measurements) -> None:
        self._measurements = measurements

    def collect(self) -> Iterator[Metric]:
        measurements = self._measurements
        for field, description in _COUNTERS.items():
            yield CounterMetricFamily(_name(field), description, value=getattr(measurements, field))
        for field, description in _GAUGES.items():
            yield from _gauge(_name(field), description, getattr(measurements, field))
        for field, description in _TIMESTAMPS.items():
            yield from _gauge(_name(field), description, _seconds(getattr(measurements, field)))
        yield from _gauge(
            "trayalert_probe_duration_seconds", "How long that probe took.", _seconds(measurements.probe_ms)
        )
        yield from _labelled(measurements)


def render_prometheus(measurements: Measurements) -> tuple[bytes, str]:
    """Return the text and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_MeasurementsCollector(measurements))
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _labelled(measurements: Measurements) -> Iterator[Metric]:
    if measurements.open_incidents is not None:
        incidents = GaugeMetricFamily("trayalert_open_incidents", "Incidents that are open now.", labels=["level"])
        for level in Level:
            incidents.add_metric([level.lower()], measurements.open_incidents.get(level, 0))
        yield incidents
    reach = GaugeMetricFamily("trayalert_reach", "1 for the state that reach is in, else 0.", labels=["state"])
    for state in Reachability:
        reach.add_metric([state.value], float(state is measurements.reach))
    yield reach
    yield InfoMetricFamily(
        "trayalert_build", "What runs here.", value={"version": measurements.version, "front": measurements.mode}
    )


def _gauge(name: str, description: str, value: float | None) -> Iterator[Metric]:
    if value is not None:
        yield GaugeMetricFamily(name, description, value=value)


def _name(field: str) -> str:
    return f"trayalert_{_NAMES.get(field, field)}"


def _seconds(length: Millis | None) -> float | None:
    return None if length is None else length / 1000
