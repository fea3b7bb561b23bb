"""Gathers what is measured of the running program for Prometheus. Called in a thread, as it reads the log."""

from collections.abc import Callable
from pathlib import Path

from trayalert import __version__
from trayalert.domain.fault import Fault
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.measurements import Measurements
from trayalert.storage.reader import Reader


class MetricsCollector:
    """Asks what is running each time anew. `begun` and `ticks` are of the clock that nobody can set."""

    def __init__(
        self,
        log: Path,
        *,
        mode: str,
        ticks: Callable[[], Millis],
        counts: Callable[[], ListenerCounts],
        storing: Callable[[], bool],
        reach: Callable[[], ReachabilityState],
        tunnel: Callable[[], TunnelState],
    ) -> None:
        self._log = log
        self._mode = mode
        self._ticks = ticks
        self._begun = ticks()
        self._counts = counts
        self._storing = storing
        self._reach = reach
        self._tunnel = tunnel

    def collect(self) -> Measurements:
        """Return the present figures; those of a log that cannot be read are not known."""
        counts, reach, tunnel = self._counts(), self._reach(), self._tunnel()
        levels, totals = None, None
        try:
            reader = Reader(self._log)
            try:
                levels, totals = reader.open_levels(), reader.totals()
            finally:
                reader.close()
        except Fault:  # the log's own line tells it: trayalert_storing, and status
            pass
        return Measurements(
            version=__version__,
            mode=self._mode,
            uptime=(self._ticks() - self._begun) / 1000,
            requests=counts.requests,
            stored=counts.stored,
            strangers=counts.strangers,
            probes=counts.probes,
            turned_away=counts.turned_away,
            mistyped=counts.mistyped,
            storing=self._storing(),
            open_incidents=levels,
            alerts=totals.alerts if totals else None,
            deliveries=totals.deliveries if totals else None,
            unrecognised=totals.unrecognised if totals else None,
            last_callback_at=totals.last_callback_at if totals else None,
            reach=reach.reach,
            reach_since=reach.since,
            probe_good_at=reach.reachable_at,
            probe_ms=reach.probe_ms,
            tunnel_up=None if tunnel.phase is Phase.OFF else tunnel.phase is Phase.UP,
            tunnel_restarts=tunnel.restarts,
        )
