"""What the listener has counted since the program started."""

from dataclasses import dataclass

from trayalert.domain.times import Millis


@dataclass(slots=True, kw_only=True)
class ListenerCounts:
    """The counts of the listener, which only the receiver's event loop writes, and which any thread may read.

    `requests` counts all requests, and `stored` the callbacks that were stored. `strangers` are requests without a
    right secret, and refused requests that got the same answer as a stranger. `probes` are requests that tried a wrong
    secret. `limited` counts strangers that got 429, and `evicted` connections that were closed to make room for new
    ones. `own_probes` are the probes that trayalert sent itself through its public address.

    `turned_away` counts requests that had a right secret but got an answer other than 200, and `mistyped` requests that
    had a right secret in a wrong URL. `lost_at` is the time of the last such request that no rule of the admin
    refused: its alert may have been lost.
    """

    requests: int = 0
    stored: int = 0
    strangers: int = 0
    probes: int = 0
    limited: int = 0
    evicted: int = 0
    own_probes: int = 0
    last_probe_at: Millis | None = None
    last_probe_from: str | None = None
    turned_away: int = 0
    last_turned_away_at: Millis | None = None
    last_turned_away_why: str | None = None
    mistyped: int = 0
    last_mistyped_at: Millis | None = None
    last_mistyped_why: str | None = None
    lost_at: Millis | None = None
