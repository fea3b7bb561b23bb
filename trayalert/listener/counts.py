"""What the listener has counted since the program started."""

from dataclasses import dataclass

from trayalert.domain.times import Millis


@dataclass(slots=True, kw_only=True)
class ListenerCounts:
    """The counts of the listener. They are written on the receiver's event loop only, and any thread may read them.

    `requests` counts all requests, and `stored` the callbacks that were stored. `strangers` are requests without a
    right secret, and refused requests that got the same answer as a stranger. `probes` are requests that tried a wrong
    secret. `limited` strangers got 429. `evicted` connections were closed to make room for others. `own_probes` are the
    probes that trayalert sent itself through its public address.

    `turned_away` requests had a right secret but got an answer other than 200. `mistyped` requests had a right secret
    in a wrong URL. `lost_at` is when the last such request came that no rule of the admin refused.
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
