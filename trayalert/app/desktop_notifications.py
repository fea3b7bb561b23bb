"""Joins what happens to notifications: events go to attention, its wishes to the notifier, clicks to pages."""

import sys
from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QObject, QTimer

from trayalert.app.platform.clock import now
from trayalert.domain.events import (
    CallbackRefused,
    DoorChanged,
    Event,
    IncidentChanged,
    LogChanged,
    ReachChanged,
    Returned,
    TestReceived,
    UrlChanged,
)
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.stored import StoredIncident
from trayalert.domain.notification import Show, Wish, tagged_incident
from trayalert.domain.times import Millis
from trayalert.services.notify.policy import Attention
from trayalert.services.notify.program_messages import (
    crash_notice,
    no_tray_notice,
    refused_notice,
    returned_notice,
    settings_notice,
)
from trayalert.ui.backend import Desk
from trayalert.ui.console_opener import open_console
from trayalert.ui.notifications.notifier import Notifier

_TELLS_NOTHING = frozenset({Change.COUNTED, Change.LATE})
_LONGEST_TIMER = 3_600_000
_AGAIN_MS = 1000
"""What the log did not answer is asked again after this time."""


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
        self._attention = Attention(
            linked=lambda stored: bool(desk.console_links(stored)), language=desk.language, further=self._further
        )
        self.notifier = _platform_notifier(on_click=self._clicked, on_change=self._notifier_changed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)
        self._untold: dict[IncidentChanged, None] = {}
        self._again = QTimer(self, singleShot=True)
        self._again.timeout.connect(lambda: self._carry_out(self._tell()))

    def take(self, events: Sequence[Event]) -> None:
        """Take a batch of events."""
        changed = [event for event in events if isinstance(event, IncidentChanged)]
        self._untold.update((event, None) for event in changed if event.change not in _TELLS_NOTHING)
        wishes: list[Wish] = []
        if any(isinstance(event, TestReceived) for event in events):
            wishes += self._attention.test_received(now=now())
        for event in events:
            wishes += self._about_itself(event)
        self._carry_out((*wishes, *self._tell()))

    def _about_itself(self, event: Event) -> tuple[Wish, ...]:
        """Return what the program has to say of itself."""
        match event:
            case LogChanged(state=log):
                return self._attention.log_changed(log, now=now())
            case DoorChanged(problem=problem):
                return self._attention.door_changed(problem, now=now())
            case ReachChanged(state=reach):
                return self._attention.reach_changed(reach, now=now())
            case UrlChanged():
                return self._attention.url_changed(event, now=now())
            case Returned() | CallbackRefused():
                notice = returned_notice(event) if isinstance(event, Returned) else refused_notice(event)
                return self._attention.tell(notice, now=now())
            case _:
                return ()

    def tell_no_tray(self, sentence: str) -> None:
        """Tell that this desktop shows no tray icons."""
        self._carry_out(self._attention.tell(no_tray_notice(sentence), now=now()))

    def tell_crashes(self, sentences: Sequence[str]) -> None:
        """Tell how an earlier run ended."""
        if sentences:
            self._carry_out(self._attention.tell(crash_notice(sentences), now=now()))

    def tell_settings(self, problems: Sequence[str]) -> None:
        """Tell what is wrong in the settings: nobody reads the terminal of what started with the session."""
        if problems:
            self._carry_out(self._attention.tell(settings_notice(problems), now=now()))

    def _tell(self) -> tuple[Wish, ...]:
        """Tell what has changed; what the log does not answer now is asked again."""
        if not self._untold:
            return ()
        incidents = self._desk.incidents(list({event.incident_id for event in self._untold}))
        if incidents is None:
            self._again.start(_AGAIN_MS)
            return ()
        changed, self._untold = tuple(self._untold), {}
        return self._attention.changed(changed, incidents, now=now())

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

    def _further(self, stored: StoredIncident) -> tuple[tuple[str, str], ...]:
        """Return a button for the second link; more have no room on most desktops."""
        return tuple((link.page, link.title) for link in self._desk.console_links(stored)[1:2])

    def _clicked(self, tag: str, page: str) -> None:
        """Open that page of the incident, else its best; the window where there is no page, or no incident."""
        number = tagged_incident(tag)
        stored = next(iter(self._desk.incidents([number]) or ()), None) if number is not None else None
        if stored is None or open_console(self._desk, stored, page) is not None:
            self._show_window(number)


def _platform_notifier(*, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> Notifier:
    if sys.platform == "linux":
        from trayalert.ui.notifications.dbus import DbusNotifier  # noqa: PLC0415 - there is none elsewhere

        return DbusNotifier(on_click=on_click, on_change=on_change)
    from trayalert.ui.notifications.portable import PortableNotifier  # noqa: PLC0415

    return PortableNotifier(on_click=on_click, on_change=on_change)
