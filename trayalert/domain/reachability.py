"""Reachability: whether Cloud Monitor can reach the listener. The rule: without proof, the reachability is unknown."""

import enum
from dataclasses import dataclass

from trayalert.domain.times import Millis


class Reachability(enum.StrEnum):
    """Whether Cloud Monitor can reach the listener."""

    REACHABLE = "reachable"
    """A probe has come back with its proof."""
    BLIND = "blind"
    """No callback can arrive, for example because the listener is closed, or because a probe did not arrive."""
    UNKNOWN = "unknown"
    """Neither `reachable` nor `blind` has been proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """The result of one probe."""

    reach: Reachability
    reason: str | None = None
    """A sentence that says why the probe failed, or None if the probe arrived."""
    duration_ms: int | None = None
    """How long the probe took, in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachabilityState:
    """The current reachability, and what is known about it."""

    reach: Reachability = Reachability.UNKNOWN
    since: Millis | None = None
    """The time since which `reach` has applied.

    If a failed probe changed `reach` from `reachable` to `blind`, `since` is the time of the last successful probe.
    """
    why: str | None = None
    """A sentence that says why the listener is not reachable and what to do, or None."""
    public_url: str | None = None
    """The address that is probed, without the secret."""
    probed_at: Millis | None = None
    """When the last probe ended."""
    reachable_at: Millis | None = None
    """When a probe last arrived."""
    probe_ms: int | None = None
    """How long the last successful probe took, in milliseconds."""
