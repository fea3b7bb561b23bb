"""Connects events, policy and notifier: events go to the policy, its requests to the notifier, clicks to pages."""

import sys
from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QObject, QTimer

from trayalert.clock import now
from trayalert.domain.events import (
    CallbackRefused,
    Event,
    IncidentChanged,
    ListenerChanged,
    LogChanged,
    ReachabilityChanged,
    ReceptionResumed,
    TestReceived,
    UrlChanged,
)
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.notification import NotificationRequest, ShowNotification, tagged_incident
from trayalert.domain.times import Millis
from trayalert.services.notify.policy import NotificationPolicy
from trayalert.services.notify.program_messages import (
    crash_notification,
    no_tray_notification,
    refused_notification,
    returned_notification,
    settings_notification,
)
from trayalert.ui.backend import Backend
from trayalert.ui.incidents.incident_menu import open_console
from trayalert.ui.notifications.notifier import Notifier

_NOT_NOTIFIED = frozenset({Change.COUNTED, Change.LATE})
_LONGEST_TIMER = 3_600_000
_RETRY_MS = 1000
"""A query that the log did not answer is repeated after this time."""


class DesktopNotifications(QObject):
    """Main thread only. `show_window` gets the incident to select, or None."""

    def __init__(
        self,
        backend: Backend,
        *,
        show_window: Callable[[int | None], None],
        refresh: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._backend = backend
        self._show_window = show_window
        self._refresh = refresh
        self._policy = NotificationPolicy(
            has_link=lambda stored: bool(backend.console_links(stored)),
            language=backend.language,
            more_buttons=self._second_link,
        )
        self.notifier = _platform_notifier(on_click=self._clicked, on_change=self._notifier_changed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)
        self._pending: dict[IncidentChanged, None] = {}
        self._retry_timer = QTimer(self, singleShot=True)
        self._retry_timer.timeout.connect(lambda: self._carry_out(self._incident_requests()))

    def on_events(self, events: Sequence[Event]) -> None:
        """Take a batch of events."""
        changed = [event for event in events if isinstance(event, IncidentChanged)]
        self._pending.update((event, None) for event in changed if event.change not in _NOT_NOTIFIED)
        requests: list[NotificationRequest] = []
        if any(isinstance(event, TestReceived) for event in events):
            requests += self._policy.on_test_received(now=now())
        for event in events:
            requests += self._program_requests(event)
        self._carry_out((*requests, *self._incident_requests()))

    def _program_requests(self, event: Event) -> tuple[NotificationRequest, ...]:
        """Return the requests about the program itself."""
        match event:
            case LogChanged(state=log):
                return self._policy.on_log_changed(log, now=now())
            case ListenerChanged(problem=problem):
                return self._policy.on_listener_changed(problem, now=now())
            case ReachabilityChanged(state=reach):
                return self._policy.on_reachability_changed(reach, now=now())
            case UrlChanged():
                return self._policy.on_url_changed(event, now=now())
            case ReceptionResumed() | CallbackRefused():
                notification = (
                    returned_notification(event) if isinstance(event, ReceptionResumed) else refused_notification(event)
                )
                return self._policy.notify(notification, now=now())
            case _:
                return ()

    def notify_no_tray(self, sentence: str) -> None:
        """Notify that this desktop shows no tray icons."""
        self._carry_out(self._policy.notify(no_tray_notification(sentence), now=now()))

    def notify_crashes(self, sentences: Sequence[str]) -> None:
        """Notify how an earlier run ended."""
        if sentences:
            self._carry_out(self._policy.notify(crash_notification(sentences), now=now()))

    def notify_settings(self, problems: Sequence[str]) -> None:
        """Notify problems of the settings, as nobody reads the terminal of a program that the session starts."""
        if problems:
            self._carry_out(self._policy.notify(settings_notification(problems), now=now()))

    def _incident_requests(self) -> tuple[NotificationRequest, ...]:
        """Return the requests about incidents that have changed; ask again if the log does not answer."""
        if not self._pending:
            return ()
        incidents = self._backend.incidents(list({event.incident_id for event in self._pending}))
        if incidents is None:
            self._retry_timer.start(_RETRY_MS)
            return ()
        changed, self._pending = tuple(self._pending), {}
        return self._policy.on_incidents_changed(changed, incidents, now=now())

    def pause(self, until: Millis | None) -> None:
        """Show nothing until then; None ends the pause."""
        self._carry_out(self._policy.pause(until, now=now()))

    def mark_window_seen(self) -> None:
        """The person looks at the window."""
        self._policy.on_window_seen()

    def _notifier_changed(self) -> None:
        self._carry_out(self._policy.set_available(self.notifier.available, now=now()))
        self._refresh()

    def _tick(self) -> None:
        self._carry_out(self._policy.tick(now=now()))

    def _carry_out(self, requests: Iterable[NotificationRequest]) -> None:
        for request in requests:
            if isinstance(request, ShowNotification):
                self.notifier.show(request.notification)
            else:
                self.notifier.withdraw(request.tag, request.final)
        due = self._policy.due
        if due is not None:
            self._timer.start(min(max(0, due - now()), _LONGEST_TIMER))

    def _second_link(self, stored: StoredIncident) -> tuple[tuple[str, str], ...]:
        """Return a button for the second link; most desktops have no room for more."""
        return tuple((link.page, link.title) for link in self._backend.console_links(stored)[1:2])

    def _clicked(self, tag: str, page: str) -> None:
        """Open that page of the incident, else its best one; open the window if there is no page or no incident."""
        number = tagged_incident(tag)
        stored = next(iter(self._backend.incidents([number]) or ()), None) if number is not None else None
        if stored is None or open_console(self._backend, stored, page) is not None:
            self._show_window(number)


def _platform_notifier(*, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> Notifier:
    if sys.platform == "linux":
        from trayalert.ui.notifications.dbus import DbusNotifier as PlatformNotifier  # noqa: PLC0415 - Linux only
    else:
        from trayalert.ui.notifications.portable import PortableNotifier as PlatformNotifier  # noqa: PLC0415 - likewise
    return PlatformNotifier(on_click=on_click, on_change=on_change)
