"""All connections that are open, and who has to go when there are too many. Knows nothing of HTTP.

The rule: nobody with the right secret is hung up on. Of all others the oldest makes room for who comes; one whose
address has fewer than its share is spared, so that a crowd from one place keeps out itself and no sender from afar.
"""

import asyncio
import itertools
from collections import Counter, OrderedDict
from typing import Protocol

from trayalert.listener.counts import DoorCounts

_NEW = 0.05
"""Seconds in which nobody is hung up on who could not say anything yet. At the cap this lets thousands a second in."""
_YOUNG = 1.0
"""Seconds in which a connection is spared whose first bytes are here but were not read yet."""
_SHORT_WAIT = 0.01
_LOOKED_AT = 16
_SWEEP_PAUSE = 0.1


class Guest(Protocol):
    """An open connection."""

    peer: str
    """The address that it came from."""
    came_at: float
    until: float
    """When it was accepted, and how long it may be idle, by the loop's clock."""
    fresh: bool
    """Whether bytes of it were read in this turn of the loop: they may be a whole request."""

    def heard(self) -> bool:
        """Whether it has said anything."""
        ...

    def unread(self) -> bool:
        """Whether its first bytes are here and were not read yet."""
        ...

    def expel(self) -> None:
        """Hang up at once."""
        ...


class Crowd:
    """Used on one asyncio loop. A guest is idle until it is engaged: then its request is under way."""

    def __init__(self, most: int, counts: DoorCounts) -> None:
        self._most = most
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._all: set[Guest] = set()
        self._of_peer: Counter[str] = Counter()
        self._idle: OrderedDict[Guest, None] = OrderedDict()  # a dict would walk over all that was ever taken out
        self._change: asyncio.Future[None] | None = None
        self._sweeping: asyncio.TimerHandle | None = None

    def enter(self, guest: Guest) -> None:
        """Count a new connection."""
        self._all.add(guest)
        self._of_peer[guest.peer] += 1
        self._idle[guest] = None
        self._sweep_by(guest.until)

    def engage(self, guest: Guest) -> None:
        """Keep a connection: its request is being answered."""
        self._idle.pop(guest, None)

    def disengage(self, guest: Guest) -> None:
        """Let a connection be the first to go: it has its answer."""
        if guest in self._all:
            self._idle[guest] = None
            self._idle.move_to_end(guest, last=False)
            self._sweep_by(guest.until)
            self._tell()

    def leave(self, guest: Guest) -> None:
        """Count a connection no more."""
        if guest in self._all:
            self._all.discard(guest)
            self._of_peer[guest.peer] -= 1
            if not self._of_peer[guest.peer]:
                del self._of_peer[guest.peer]
        self._idle.pop(guest, None)
        self._tell()

    def hurry(self, guest: Guest) -> None:
        """Take a new `until` of a guest that is idle."""
        if guest in self._idle:
            self._sweep_by(guest.until)

    async def room(self) -> None:
        """Wait until there is room for one more; where somebody idle can go for it, at once."""
        while len(self._all) >= self._most and not self.evict():
            self._change = self._loop.create_future()
            waking = self._loop.call_later(_SHORT_WAIT, self._tell) if self._idle else None  # those were only spared
            try:
                await self._change
            finally:
                if waking:
                    waking.cancel()

    async def emptied(self) -> None:
        """Wait until nobody is here. Nobody may wait for room meanwhile."""
        while self._all:
            self._change = self._loop.create_future()
            await self._change

    def evict(self) -> bool:
        """Hang up on the oldest connection that nothing is owed; False where there is none."""
        now = self._loop.time()
        share = len(self._all) / max(1, len(self._of_peer))
        modest = None
        for guest in itertools.islice(self._idle, _LOOKED_AT):
            age = now - guest.came_at
            if guest.fresh or not (age > _YOUNG or guest.heard() or (age > _NEW and not guest.unread())):
                continue
            if self._of_peer[guest.peer] < share:
                modest = modest or guest
                continue
            self._evict(guest)
            return True
        if modest is None:
            return False
        self._evict(modest)
        return True

    def _evict(self, guest: Guest) -> None:
        self._counts.evicted += 1
        self._expel(guest)

    def clear(self) -> None:
        """Hang up on all who have no request under way."""
        for guest in list(self._idle):
            self._expel(guest)
        if self._sweeping:
            self._sweeping.cancel()
            self._sweeping = None

    def _expel(self, guest: Guest) -> None:
        self.leave(guest)
        guest.expel()

    def _tell(self) -> None:
        if self._change and not self._change.done():
            self._change.set_result(None)

    def _sweep_by(self, moment: float) -> None:
        if self._sweeping is None or moment < self._sweeping.when():
            if self._sweeping:
                self._sweeping.cancel()
            self._sweeping = self._loop.call_at(moment, self._sweep)

    def _sweep(self) -> None:
        """Hang up on who is here for too long. One timer for all: most connections are gone in a millisecond."""
        now = self._loop.time()
        for guest in [guest for guest in self._idle if guest.until <= now]:
            self._expel(guest)
        self._sweeping = None
        if self._idle:
            self._sweep_by(max(min(guest.until for guest in self._idle), now + _SWEEP_PAUSE))
