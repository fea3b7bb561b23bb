"""A token bucket: so many at once, then so many a second. Pure: whoever asks brings the time."""


class TokenBucket:
    """Full at `now`; times are seconds of a clock that does not go back."""

    __slots__ = ("_at", "_capacity", "_rate", "_tokens")

    def __init__(self, *, capacity: float, rate: float, now: float) -> None:
        self._capacity = capacity
        self._rate = rate
        self._tokens = capacity
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token; False where there is none."""
        self._tokens = min(self._capacity, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = max(now, self._at)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
