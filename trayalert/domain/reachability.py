"""Reachability: whether Cloud Monitor can reach the listener. The rule: without a proof the reachability is unknown."""

import enum
from dataclasses import dataclass

from trayalert.domain.times import Millis


class Reachability(enum.StrEnum):
    """Whether Cloud Monitor can reach the listener."""

    REACHABLE = "reachable"
    """A probe has come back with its proof."""
    BLIND = "blind"
    """Nothing can arrive, such as when the listener is closed or when a probe did not arrive."""
    UNKNOWN = "unknown"
    """There is a proof neither of `reachable` nor of `blind`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """The result of one probe."""

    reach: Reachability
    reason: str | None = None
    """A sentence that says why the probe failed, or None if the probe arrived."""
    duration_ms: int | None = None
    """How long the probe took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachabilityState:
    """The present reachability and what is known about it."""

    reach: Reachability = Reachability.UNKNOWN
    since: Millis | None = None
    """The time from which `reach` applies. `blind` applies from the time of the last proof, if there was a proof."""
    why: str | None = None
    """A sentence that says why the listener is not reachable and what to do, or None."""
    public_url: str | None = None
    """The address that is probed, without the secret."""
    probed_at: Millis | None = None
    """When the last probe ended."""
    reachable_at: Millis | None = None
    """When a probe last arrived."""
    probe_ms: int | None = None
    """How long the probe that last arrived took."""
