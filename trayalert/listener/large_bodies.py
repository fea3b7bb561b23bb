"""Limits the memory of all large bodies together, and the size of all large bodies with one secret in an hour.

A body is large if it is longer than `LARGEST_SMALL_BODY`. Only bytes that have arrived are counted. A sender that
announces a long body but sends few bytes therefore does not reduce what other senders can send.
"""

import math
from collections import deque
from collections.abc import Callable

from trayalert.domain.phrase import N_, Phrase
from trayalert.listener.limits import LARGEST_SMALL_BODY, ListenerLimits
from trayalert.listener.refusals import RefusedError, too_large, too_much

_HOUR = 3600.0
_RETRY_AFTER = 2
"""Seconds after which a sender should try again if large bodies use up the permitted memory."""

TakenBody = tuple[float, int]
"""A large body that was accepted: the time by the event loop's clock, and the body's length in bytes."""


class LargeBodies:
    """Counts the large bodies of all connections. Must be used on a single event loop.

    `clock` is the event loop's clock. `held_bytes` is the number of bytes that large bodies take up in memory now.
    """

    def __init__(self, clock: Callable[[], float], limits: ListenerLimits) -> None:
        self.limits = limits
        self.held_bytes = 0
        self._clock = clock
        self._taken: dict[str, deque[TakenBody]] = {}

    def check(self, secret: str, length: int) -> None:
        """Raise `RefusedError` if a large body of `length` bytes would exceed the secret's hourly limit.

        The error's refusal says after how many seconds the body can be accepted.
        """
        taken = self._taken.get(secret, ())
        now = self._clock()
        while taken and taken[0][0] <= now - _HOUR:
            taken.popleft()
        excess = sum(size for _, size in taken) + length - self.limits.most_large_an_hour
        wait = 0.0
        for at, size in taken:
            if excess <= 0:
                break
            excess -= size
            wait = at + _HOUR - now
        if wait:
            mebibytes = self.limits.most_large_an_hour >> 20
            text = N_("its secret has brought {size} MiB of large bodies within an hour, and more are not taken")
            raise RefusedError(too_much(Phrase(text, size=mebibytes), retry_after=math.ceil(wait)))

    def take(self, secret: str, length: int) -> TakenBody:
        """Count a large body that is about to be stored, and return its entry for `give_back`.

        Raise `RefusedError` if the body would exceed the secret's hourly limit.
        """
        self.check(secret, length)
        taken = (self._clock(), length)
        self._taken.setdefault(secret, deque()).append(taken)
        return taken

    def give_back(self, secret: str, taken: TakenBody) -> None:
        """Remove a body from the secret's hourly count. Call this method if the body could not be stored."""
        self._taken[secret].remove(taken)


class HeldBody:
    """Counts the memory that one body takes up until `release` is called.

    If `secret` is None, a large body is refused.
    """

    __slots__ = ("_bytes", "_large_bodies", "_secret", "_taken")

    def __init__(self, large_bodies: LargeBodies, secret: str | None) -> None:
        self._large_bodies = large_bodies
        self._secret = secret
        self._bytes = 0
        self._taken: TakenBody | None = None

    def expect(self, length: int) -> None:
        """Check the length that the request's `Content-Length` header announces.

        Raise `RefusedError` if a body of this length is too large or would exceed its secret's hourly limit.
        """
        self._check_length(length)
        if length > LARGEST_SMALL_BODY and self._secret is not None:
            self._large_bodies.check(self._secret, length)

    def grow(self, length: int) -> None:
        """Count the memory of the body. `length` is the total number of bytes that have arrived.

        Raise `RefusedError` if the body is too large, or if all large bodies together would take up too much memory.
        """
        self._check_length(length)
        if length <= LARGEST_SMALL_BODY:
            return
        most = self._large_bodies.limits.most_large_held
        if self._large_bodies.held_bytes + length - self._bytes > most:
            mebibytes = most >> 20
            text = N_("large bodies that arrive at the same time may hold {size} MiB, and these were in use")
            raise RefusedError(too_much(Phrase(text, size=mebibytes), retry_after=_RETRY_AFTER))
        self._large_bodies.held_bytes += length - self._bytes
        self._bytes = length

    def _check_length(self, length: int) -> None:
        largest = LARGEST_SMALL_BODY if self._secret is None else self._large_bodies.limits.largest_body
        if length > largest:
            raise RefusedError(too_large(largest))

    def take(self) -> None:
        """Add the complete body to its secret's hourly count, if the body is large.

        Raise `RefusedError` if the body would exceed the hourly limit.
        """
        if self._bytes and self._secret is not None:
            self._taken = self._large_bodies.take(self._secret, self._bytes)

    def release(self, *, stored: bool) -> None:
        """Stop counting the body's memory. If `stored` is false, remove the body from the hourly count, too."""
        self._large_bodies.held_bytes -= self._bytes
        self._bytes = 0
        if self._taken is not None and self._secret is not None and not stored:
            self._large_bodies.give_back(self._secret, self._taken)
