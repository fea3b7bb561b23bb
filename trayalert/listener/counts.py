"""What the listener has counted since the program started."""

from dataclasses import dataclass

from trayalert.domain.times import Millis


@dataclass(slots=True, kw_only=True)
class ListenerCounts:
    """The counts of the listener. Any thread may read the counts. Only the receiver's event loop changes the counts."""

    requests: int = 0
    """All requests."""
    stored: int = 0
    """Callbacks that were stored."""
    strangers: int = 0
    """Requests without a right secret, and refused requests that got the same answer as a stranger's request."""
    probes: int = 0
    """Secret guesses: requests to the hook with a wrong secret. Requests that `mistyped` counts are left out."""
    limited: int = 0
    """Requests that got 429, because strangers sent too many requests. `strangers` counts these requests, too."""
    evicted: int = 0
    """Connections that were closed to make room for new connections."""
    own_probes: int = 0
    """Probes from trayalert itself that have arrived at the listener."""
    last_probe_at: Millis | None = None
    last_probe_from: str | None = None
    turned_away: int = 0
    """Requests that had a right secret, but got an answer other than 200."""
    last_turned_away_at: Millis | None = None
    last_turned_away_why: str | None = None
    mistyped: int = 0
    """Requests whose URL is almost a callback URL."""
    last_mistyped_at: Millis | None = None
    last_mistyped_why: str | None = None
    lost_at: Millis | None = None
    """The time of the latest refusal by which an alert may have been lost. `CAUSES_OF_LOSS` contains the causes."""
