"""Can the outside reach us? What nothing proves is unknown, and unknown is not green."""

import enum
from dataclasses import dataclass

from trayalert.domain.times import Millis


class Reachability(enum.StrEnum):
    """`blind`: surely not, as the door is shut or a probe did not come back. `unknown`: nothing has proved it."""

    REACHABLE = "reachable"
    BLIND = "blind"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachabilityState:
    """Reach as it is told. `why` is a sentence: why not reachable, and what to do; None where there is nothing to say.

    `since` is the moment from which it has been so. `public_url` is the address that was probed, with no secret.
    `probed_at` is when the last probe ended, `reachable_at` when one last came through, `probe_ms` how long that took.
    """

    reach: Reachability = Reachability.UNKNOWN
    since: Millis | None = None
    why: str | None = None
    public_url: str | None = None
    probed_at: Millis | None = None
    reachable_at: Millis | None = None
    probe_ms: int | None = None
