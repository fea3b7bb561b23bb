"""A token bucket for limiting a rate: a burst of tokens is available first, then one token per interval.

The module reads no clock: the caller passes in the time.
"""


class TokenBucket:
    """A token bucket that is full at first.

    The bucket holds up to `capacity` tokens and gains one token per `interval`. `now` is the current time. `now` and
    `interval` may be in any unit of time, but must be in the same unit.
    """

    __slots__ = ("_capacity", "_interval", "_refilled_at", "_tokens")

    def __init__(self, *, capacity: float, interval: float, now: float) -> None:
        self._capacity = capacity
        self._interval = interval
        self._tokens = capacity
        self._refilled_at = now

    def take(self, now: float, *, reserve: float = 0) -> bool:
        """Take one token if at least `reserve` tokens will remain. Return whether a token was taken."""
        self._tokens = min(self._capacity, self._tokens + max(0.0, now - self._refilled_at) / self._interval)
        self._refilled_at = now
        if self._tokens < 1 + reserve:
            return False
        self._tokens -= 1
        return True
