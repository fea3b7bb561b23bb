"""Bounds bodies over `LARGEST_SMALL_BODY`: memory over all connections, and bytes an hour for each secret.

Only bytes that have arrived count: a sender that announces much and sends little takes nothing from others.
"""

import math
from collections import deque
from collections.abc import Callable

from trayalert.listener.limits import LARGEST_SMALL_BODY, ListenerLimits
from trayalert.listener.refusals import RefusedError, too_large, too_much

_HOUR = 3600.0
_RETRY_AFTER = 2
"""Seconds after which a sender may try again when other bodies take the memory."""

TakenBody = tuple[float, int]
"""When a large body was accepted, by the loop's clock, and its length."""


class LargeBodies:
    """Counts the large bodies of all connections. Used on one asyncio loop; `clock` is the loop's."""

    def __init__(self, clock: Callable[[], float], limits: ListenerLimits) -> None:
        self.limits = limits
        self.held_bytes = 0
        self._clock = clock
        self._taken: dict[str, deque[TakenBody]] = {}

    def check(self, secret: str, length: int) -> None:
        """Raise RefusedError if the secret has no `length` bytes left of its hour, with the seconds until it has."""
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
            reason = f"its secret has brought {mebibytes} MiB of large bodies within an hour, and more are not taken"
            raise RefusedError(too_much(reason, retry_after=math.ceil(wait)))

    def take(self, secret: str, length: int) -> TakenBody:
        """Count a large body that is about to be stored. Raise RefusedError as `check` does."""
        self.check(secret, length)
        taken = (self._clock(), length)
        self._taken.setdefault(secret, deque()).append(taken)
        return taken

    def give_back(self, secret: str, taken: TakenBody) -> None:
        """Stop counting a body that could not be stored."""
        self._taken[secret].remove(taken)


class HeldBody:
    """The memory that one body holds until `release`. Without `secret` the body may not be large."""

    __slots__ = ("_bytes", "_large_bodies", "_secret", "_taken")

    def __init__(self, large_bodies: LargeBodies, secret: str | None) -> None:
        self._large_bodies = large_bodies
        self._secret = secret
        self._bytes = 0
        self._taken: TakenBody | None = None

    def expect(self, length: int) -> None:
        """Check the announced length. Raise RefusedError."""
        self._check_length(length)
        if length > LARGEST_SMALL_BODY and self._secret is not None:
            self._large_bodies.check(self._secret, length)

    def grow(self, length: int) -> None:
        """Hold the `length` bytes that have arrived so far. Raise RefusedError."""
        self._check_length(length)
        if length <= LARGEST_SMALL_BODY:
            return
        most = self._large_bodies.limits.most_large_held
        if self._large_bodies.held_bytes + length - self._bytes > most:
            mebibytes = most >> 20
            reason = f"large bodies that arrive at the same time may hold {mebibytes} MiB, and these were in use"
            raise RefusedError(too_much(reason, retry_after=_RETRY_AFTER))
        self._large_bodies.held_bytes += length - self._bytes
        self._bytes = length

    def _check_length(self, length: int) -> None:
        largest = LARGEST_SMALL_BODY if self._secret is None else self._large_bodies.limits.largest_body
        if length > largest:
            raise RefusedError(too_large(largest))

    def take(self) -> None:
        """Count the complete body towards its secret's hour. Raise RefusedError."""
        if self._bytes and self._secret is not None:
            self._taken = self._large_bodies.take(self._secret, self._bytes)

    def release(self, *, stored: bool) -> None:
        """Free the memory; a body that was not stored does not count towards the hour."""
        self._large_bodies.held_bytes -= self._bytes
        self._bytes = 0
        if self._taken is not None and self._secret is not None and not stored:
            self._large_bodies.give_back(self._secret, self._taken)
