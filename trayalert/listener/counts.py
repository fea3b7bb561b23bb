"""What the door has counted since the program started."""

from dataclasses import dataclass

from trayalert.domain.times import Millis


@dataclass(slots=True, kw_only=True)
class ListenerCounts:
    """Written by the receiver's loop alone; plain numbers, so that any thread may read them.

    `strangers` are all requests that were let in by no secret; those of them that tried one are `probes`.
    `turned_away` had a secret of ours and got no 200 all the same; `mistyped` had one in a URL that is not written as
    it should be. `lost_at` is when the last of those came whose alert no rule of the admin's wanted refused.
    `limited` strangers came too often, `evicted` connections had to make room. `own_probes` are the program's own,
    through its public address.
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
