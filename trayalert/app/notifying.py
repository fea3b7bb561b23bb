"""Joins what happens to notifications: events go to attention, its wishes to the notifier, clicks to pages."""

import sys
from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QObject, QTimer

from trayalert.app.clock import now
from trayalert.domain.events import Event, IncidentChanged, TestReceived
from trayalert.domain.incident import Change
from trayalert.domain.notice import Show, Wish, tagged_incident
from trayalert.domain.times import Millis
from trayalert.services.attention import Attention
from trayalert.ui.console import open_console
from trayalert.ui.desk import Desk
from trayalert.ui.notifier import Notifier

_TELLS_NOTHING = frozenset({Change.COUNTED, Change.LATE})
_LONGEST_TIMER = 3_600_000


class Notifying(QObject):
    """Main thread only. `show_window` gets the incident to select, or None."""

    def __init__(
        self,
        desk: Desk,
        *,
        show_window: Callable[[int | None], None],
        refresh: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._show_window = show_window
        self._refresh = refresh
        self._attention = Attention(linked=lambda stored: desk.console_url(stored) is not None)
        self.notifier = _platform_notifier(on_click=self._clicked, on_change=self._notifier_changed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)

    def take(self, events: Sequence[Event]) -> None:
        """Take a batch of events."""
        changed = [event for event in events if isinstance(event, IncidentChanged)]
        changed = [event for event in changed if event.change not in _TELLS_NOTHING]
        wishes: list[Wish] = []
        if any(isinstance(event, TestReceived) for event in events):
            wishes += self._attention.test_received(now=now())
        if changed:
            incidents = self._desk.incidents(list({event.incident_id for event in changed}))
            wishes += self._attention.changed(changed, incidents, now=now())
        self._carry_out(wishes)

    def pause(self, until: Millis | None) -> None:
        """Show nothing until then; None goes on."""
        self._carry_out(self._attention.pause(until, now=now()))

    def window_seen(self) -> None:
        """Hear that the person looks at the window."""
        self._attention.summary_seen()

    def _notifier_changed(self) -> None:
        self._carry_out(self._attention.set_available(self.notifier.available, now=now()))
        self._refresh()

    def _tick(self) -> None:
        self._carry_out(self._attention.tick(now=now()))

    def _carry_out(self, wishes: Iterable[Wish]) -> None:
        for wish in wishes:
            if isinstance(wish, Show):
                self.notifier.show(wish.notice)
            else:
                self.notifier.withdraw(wish.tag, wish.farewell)
        due = self._attention.due
        if due is not None:
            self._timer.start(min(max(0, due - now()), _LONGEST_TIMER))

    def _clicked(self, tag: str) -> None:
        """Open the page of the incident; the window where there is no page, or no incident."""
        number = tagged_incident(tag)
        stored = next(iter(self._desk.incidents([number])), None) if number is not None else None
        if stored is None or open_console(self._desk, stored) is not None:
            self._show_window(number)


def _platform_notifier(*, on_click: Callable[[str], None], on_change: Callable[[], None]) -> Notifier:
    if sys.platform == "linux":
        from trayalert.ui.dbus_notifier import DbusNotifier  # noqa: PLC0415 - there is none elsewhere

        return DbusNotifier(on_click=on_click, on_change=on_change)
    from trayalert.ui.portable_notifier import PortableNotifier  # noqa: PLC0415

    return PortableNotifier(on_click=on_click, on_change=on_change)
