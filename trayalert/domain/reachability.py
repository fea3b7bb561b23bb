"""Reachability: whether Cloud Monitor can reach the listener. The rule: without proof it is unknown."""

import enum
from dataclasses import dataclass

from trayalert.domain.times import Millis


class Reachability(enum.StrEnum):
    """`blind`: the listener is closed, or a probe did not arrive. `unknown`: there is no proof of either."""

    REACHABLE = "reachable"
    BLIND = "blind"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What a probe found: `reason` is a sentence, None if the probe came through; `duration_ms` is how long it took."""

    reach: Reachability
    reason: str | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachabilityState:
    """The reachability since a moment. `why` is a sentence: why it is not reachable, and what to do; or None.

    `public_url` is the probed address, without the secret. `probed_at` is when the last probe ended, `reachable_at`
    when a probe last arrived, and `probe_ms` how long that one took.
    """

    reach: Reachability = Reachability.UNKNOWN
    since: Millis | None = None
    why: str | None = None
    public_url: str | None = None
    probed_at: Millis | None = None
    reachable_at: Millis | None = None
    probe_ms: int | None = None
