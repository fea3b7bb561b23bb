"""Limits the number of open connections. To make room for a new connection, an idle connection is closed.

A connection whose request is being answered is never closed to make room. Connections from addresses with many
connections are closed first. A flood from one address can therefore keep out only this address.
"""

import asyncio
import itertools
from collections import Counter, OrderedDict
from typing import Protocol

from trayalert.listener.counts import ListenerCounts
from trayalert.listener.limits import ListenerLimits

_RETRY_INTERVAL = 0.01
_MOST_CANDIDATES = 16
_SWEEP_PAUSE = 0.1


class Connection(Protocol):
    """An open connection."""

    peer: str
    """The peer's address."""
    accepted_at: float
    """When the connection was accepted, by the event loop's clock."""
    deadline: float
    """An idle connection is closed at this time of the event loop's clock."""
    read_this_turn: bool
    """Whether bytes were read in the current iteration of the event loop.

    The bytes may be a whole request, even if the connection is not yet marked as busy.
    """

    def has_received(self) -> bool:
        """Return whether any byte has been read."""

    def has_unread(self) -> bool:
        """Return whether bytes are waiting to be read."""

    def abort(self) -> None:
        """Close the connection immediately."""


class ConnectionLimit:
    """Keeps track of the open connections of one listener. Must be used on a single event loop.

    A connection is busy while its request is being answered, and idle at all other times. To make room, idle
    connections are closed, but never busy connections.
    """

    def __init__(self, most_connections: int, counts: ListenerCounts, limits: ListenerLimits) -> None:
        self._most_connections = most_connections
        self._limits = limits
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._count_by_peer: Counter[str] = Counter()
        # an OrderedDict, because finding the first keys of a dict is slow after many removals
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._waiter: asyncio.Future[None] | None = None
        self._sweep_timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        """Add a new connection, which is idle."""
        self._connections.add(connection)
        self._count_by_peer[connection.peer] += 1
        self._idle[connection] = None
        self._schedule_sweep(connection.deadline)

    def mark_busy(self, connection: Connection) -> None:
        """Mark a connection as busy, so that it is not closed while its request is being answered."""
        self._idle.pop(connection, None)

    def mark_idle(self, connection: Connection) -> None:
        """Mark a connection as idle after its request has been answered.

        `evict` considers this connection before all other connections.
        """
        if connection in self._connections:
            self._idle[connection] = None
            self._idle.move_to_end(connection, last=False)
            self._schedule_sweep(connection.deadline)
            self._wake()

    def remove(self, connection: Connection) -> None:
        """Remove a connection that has been closed."""
        if connection in self._connections:
            self._connections.discard(connection)
            self._count_by_peer[connection.peer] -= 1
            if not self._count_by_peer[connection.peer]:
                del self._count_by_peer[connection.peer]
        self._idle.pop(connection, None)
        self._wake()

    def reschedule(self, connection: Connection) -> None:
        """Apply the new `deadline` of an idle connection, which is earlier than before."""
        if connection in self._idle:
            self._schedule_sweep(connection.deadline)

    async def wait_for_room(self) -> None:
        """Wait until there is room for one more connection. If necessary, close an idle connection."""
        while len(self._connections) >= self._most_connections and not self.evict():
            self._waiter = self._loop.create_future()
            # if all idle connections are protected now, try again at intervals
            timer = self._loop.call_later(_RETRY_INTERVAL, self._wake) if self._idle else None
            try:
                await self._waiter
            finally:
                if timer:
                    timer.cancel()

    async def wait_until_empty(self) -> None:
        """Wait until no connection is open.

        Do not call this method while `wait_for_room` is waiting, because the two methods share a future.
        """
        while self._connections:
            self._waiter = self._loop.create_future()
            await self._waiter

    def evict(self) -> bool:
        """Close an idle connection to make room. Return whether a connection was closed.

        At most _MOST_CANDIDATES idle connections are candidates, in this order:

        1. connections whose request has been answered
        2. all other idle connections, from the oldest to the newest

        The first candidate whose address has at least the average number of connections is closed. If the addresses of
        all candidates have fewer connections, the first candidate is closed. These connections are skipped:

        - a connection from which bytes were read in this iteration of the event loop
        - a connection that has sent nothing, for `silence_grace` seconds after it was accepted
        - a connection whose first bytes are waiting to be read, for `unread_grace` seconds after it was accepted
        """
        now = self._loop.time()
        share = len(self._connections) / max(1, len(self._count_by_peer))
        chosen = None
        for connection in itertools.islice(self._idle, _MOST_CANDIDATES):
            age = now - connection.accepted_at
            if connection.read_this_turn or not (
                age > self._limits.unread_grace
                or connection.has_received()
                or (age > self._limits.silence_grace and not connection.has_unread())
            ):
                continue
            if self._count_by_peer[connection.peer] >= share:
                chosen = connection
                break
            chosen = chosen or connection
        if chosen is None:
            return False
        self._counts.evicted += 1
        self._abort(chosen)
        return True

    def abort_idle(self) -> None:
        """Close all idle connections."""
        for connection in list(self._idle):
            self._abort(connection)
        if self._sweep_timer:
            self._sweep_timer.cancel()
            self._sweep_timer = None

    def _abort(self, connection: Connection) -> None:
        self.remove(connection)
        connection.abort()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _schedule_sweep(self, moment: float) -> None:
        if self._sweep_timer is None or moment < self._sweep_timer.when():
            if self._sweep_timer:
                self._sweep_timer.cancel()
            self._sweep_timer = self._loop.call_at(moment, self._sweep)

    def _sweep(self) -> None:
        """Close the idle connections whose deadline has passed.

        One timer serves all connections, because most connections end long before their deadline.
        """
        now = self._loop.time()
        for connection in [connection for connection in self._idle if connection.deadline <= now]:
            self._abort(connection)
        self._sweep_timer = None
        if self._idle:
            self._schedule_sweep(max(min(connection.deadline for connection in self._idle), now + _SWEEP_PAUSE))
