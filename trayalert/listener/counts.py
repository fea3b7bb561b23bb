"""What the listener has counted since the program started."""

from dataclasses import dataclass

from trayalert.domain.times import Millis


@dataclass(slots=True, kw_only=True)
class ListenerCounts:
    """Written on the receiver's loop only; plain numbers, so that any thread may read them.

    `strangers` are requests without a right secret; those of them that tried one are `probes`. `turned_away` requests
    had a right secret and got another answer than 200; `mistyped` ones had a right secret in a wrong URL. `lost_at` is
    when the last of these two came that no rule of the admin refused. `limited` strangers got 429, `evicted`
    connections made room. `own_probes` are the program's own, through its public address.
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
