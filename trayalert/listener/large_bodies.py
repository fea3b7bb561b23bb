"""Limits the memory and the hourly bytes of bodies that are larger than `LARGEST_SMALL_BODY`.

The memory is limited over all connections, and the bytes per hour for each secret. Only bytes that have arrived count,
so a sender that announces much and sends little takes nothing from other senders.
"""

import math
from collections import deque
from collections.abc import Callable

from trayalert.listener.limits import LARGEST_SMALL_BODY, ListenerLimits
from trayalert.listener.refusals import RefusedError, too_large, too_much

_HOUR = 3600.0
_RETRY_AFTER = 2
"""Seconds after which a sender may try again if other bodies use up the memory."""

TakenBody = tuple[float, int]
"""The time at which a large body was accepted, by the event loop's clock, and the body's length."""


class LargeBodies:
    """Counts the large bodies of all connections.

    Used on one event loop. `clock` is the event loop's clock. `held_bytes` is the memory that large bodies use now.
    """

    def __init__(self, clock: Callable[[], float], limits: ListenerLimits) -> None:
        self.limits = limits
        self.held_bytes = 0
        self._clock = clock
        self._taken: dict[str, deque[TakenBody]] = {}

    def check(self, secret: str, length: int) -> None:
        """Raise `RefusedError` if `length` more bytes of large bodies would exceed the secret's hourly limit.

        The error says after how many seconds these bytes will be allowed.
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
            reason = f"its secret has brought {mebibytes} MiB of large bodies within an hour, and more are not taken"
            raise RefusedError(too_much(reason, retry_after=math.ceil(wait)))

    def take(self, secret: str, length: int) -> TakenBody:
        """Count a large body that is about to be stored. Raise `RefusedError` under the same condition as `check`."""
        self.check(secret, length)
        taken = (self._clock(), length)
        self._taken.setdefault(secret, deque()).append(taken)
        return taken

    def give_back(self, secret: str, taken: TakenBody) -> None:
        """Stop counting a body, because it could not be stored."""
        self._taken[secret].remove(taken)


class HeldBody:
    """The memory that a single body uses until `release`. If `secret` is None, the body must not be large."""

    __slots__ = ("_bytes", "_large_bodies", "_secret", "_taken")

    def __init__(self, large_bodies: LargeBodies, secret: str | None) -> None:
        self._large_bodies = large_bodies
        self._secret = secret
        self._bytes = 0
        self._taken: TakenBody | None = None

    def expect(self, length: int) -> None:
        """Check the announced length of the body. Raise `RefusedError` if the body is too long to be accepted."""
        self._check_length(length)
        if length > LARGEST_SMALL_BODY and self._secret is not None:
            self._large_bodies.check(self._secret, length)

    def grow(self, length: int) -> None:
        """Count the memory of a body of which `length` bytes have arrived so far.

        Raise `RefusedError` if the body is too long, or if large bodies use too much memory.
        """
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
        """Count the complete body against its secret's hourly limit. Raise `RefusedError` if the limit is exceeded."""
        if self._bytes and self._secret is not None:
            self._taken = self._large_bodies.take(self._secret, self._bytes)

    def release(self, *, stored: bool) -> None:
        """Stop counting the body's memory. If the body was not stored, remove it from its secret's hourly count."""
        self._large_bodies.held_bytes -= self._bytes
        self._bytes = 0
        if self._taken is not None and self._secret is not None and not stored:
            self._large_bodies.give_back(self._secret, self._taken)
