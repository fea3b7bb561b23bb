"""Timekeeping: tells where the computer's clock cannot be trusted, and whether incidents may close by it now."""

from collections.abc import Sequence
from pathlib import Path

from trayalert.domain.events import CallbackArrived, Event
from trayalert.domain.steady_clock import SteadyClock, behind_told, calm, jump_told, watch
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox
from trayalert.storage.faults import LogFault
from trayalert.storage.reader import Reader

_PART = "clock"


class Timekeeping:
    """Looks at both clocks when it is asked to. Lives on the receiver's loop."""

    def __init__(self, inbox: Inbox, log: Path) -> None:
        self._inbox = inbox
        self._clock: SteadyClock | None = None
        self._newest = _newest(log)
        inbox.subscribe(self._hear)

    def look(self, *, wall: Millis, ticks: Millis) -> bool:
        """Look at the wall clock and at one that nobody can set; tell what is wrong. Whether things may close by it."""
        self._clock = clock = watch(self._clock, wall=wall, ticks=ticks)
        self._inbox.set_news(_PART, jump_told(clock, ticks=ticks))
        self._inbox.set_problem(_PART, behind_told(wall=wall, newest=self._newest))
        return calm(clock, ticks=ticks)

    def _hear(self, events: Sequence[Event]) -> None:
        came = [event.received_at for event in events if isinstance(event, CallbackArrived)]
        if came:
            self._newest = came[-1]  # what came last decides: an older one from a wrong clock does not


def _newest(log: Path) -> Millis | None:
    try:
        reader = Reader(log)
        try:
            return reader.last_callback_at()
        finally:
            reader.close()
    except LogFault:
        return None
