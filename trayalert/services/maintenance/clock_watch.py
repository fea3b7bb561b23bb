"""The clock watch: tells where the computer's clock cannot be trusted, and whether incidents may close by it now."""

from collections.abc import Sequence
from pathlib import Path

from trayalert.domain.events import CallbackArrived, Event
from trayalert.domain.steady_clock import ClockState, behind_text, is_stable, jump_text, observe_clock
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox
from trayalert.storage.faults import LogFault
from trayalert.storage.reader import Reader

_TOPIC = "clock"


class ClockWatch:
    """Looks at both clocks when it is asked to. Lives on the receiver's loop."""

    def __init__(self, inbox: Inbox, log: Path) -> None:
        self._inbox = inbox
        self._clock: ClockState | None = None
        self._newest_at = _newest_callback_at(log)
        inbox.subscribe(self._on_events)

    def check(self, *, wall: Millis, ticks: Millis) -> bool:
        """Look at the wall clock and at one that nobody can set; tell what is wrong. Whether things may close by it."""
        self._clock = clock = observe_clock(self._clock, wall=wall, ticks=ticks)
        self._inbox.set_news(_TOPIC, jump_text(clock, ticks=ticks))
        self._inbox.set_problem(_TOPIC, behind_text(wall=wall, newest=self._newest_at))
        return is_stable(clock, ticks=ticks)

    def _on_events(self, events: Sequence[Event]) -> None:
        received = [event.received_at for event in events if isinstance(event, CallbackArrived)]
        if received:
            self._newest_at = received[-1]  # what came last decides: an older one from a wrong clock does not


def _newest_callback_at(log: Path) -> Millis | None:
    try:
        reader = Reader(log)
        try:
            return reader.last_callback_at()
        finally:
            reader.close()
    except LogFault:
        return None
