"""A token bucket: so many at once, then one each interval. Pure: the caller brings the time."""


class TokenBucket:
    """Full at `now`. `now` and `interval` have one unit, which the caller chooses."""

    __slots__ = ("_capacity", "_interval", "_refilled_at", "_tokens")

    def __init__(self, *, capacity: float, interval: float, now: float) -> None:
        self._capacity = capacity
        self._interval = interval
        self._tokens = capacity
        self._refilled_at = now

    def take(self, now: float, *, reserve: float = 0) -> bool:
        """Take one token and return True if at least `reserve` remain after it, else False."""
        self._tokens = min(self._capacity, self._tokens + max(0.0, now - self._refilled_at) / self._interval)
        self._refilled_at = now
        if self._tokens < 1 + reserve:
            return False
        self._tokens -= 1
        return True
