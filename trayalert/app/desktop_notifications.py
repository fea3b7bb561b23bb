"""The desktop as a channel: passes the dispatcher's requests to the notifier, and opens pages when the user clicks."""

import sys
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal

from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, tagged_incident
from trayalert.domain.times import Millis
from trayalert.services.notify.dispatcher import NotificationDispatcher
from trayalert.services.notify.program_messages import (
    crash_notification,
    listener_closed_notification,
    no_tray_notification,
    settings_notification,
)
from trayalert.ui.backend import Backend
from trayalert.ui.incidents.incident_menu import open_console
from trayalert.ui.notifications.notifier import Notifier


class DesktopChannel(QObject):
    """Passes requests from the receiver's thread to the main thread. The object must be made on the main thread."""

    name = "the desktop"
    requested = Signal(object)
    """Emitted on the receiver's thread, with a NotificationRequest for the notifier."""

    async def carry_out(self, request: NotificationRequest) -> None:
        """Emit a request for the main thread. Never wait until the main thread has carried it out."""
        self.requested.emit(request)


class DesktopNotifications(QObject):
    """Owns the notifier and connects it to the dispatcher. Main thread only.

    `call_soon` calls a function on the dispatcher's event loop. `show_window` is called with the id of the incident to
    select, or None. `refresh` is called when the notifier becomes available or unavailable, or its problem changes.
    """

    def __init__(
        self,
        backend: Backend,
        channel: DesktopChannel,
        dispatcher: NotificationDispatcher,
        *,
        call_soon: Callable[[Callable[[], object]], object],
        show_window: Callable[[int | None], None],
        refresh: Callable[[], None],
        make_notifier: Callable[..., Notifier] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._backend = backend
        self._channel = channel
        self._dispatcher = dispatcher
        self._call_soon = call_soon
        self._show_window = show_window
        self._refresh = refresh
        make = make_notifier or _platform_notifier()
        self.notifier = make(on_click=self._on_click, on_change=self._on_notifier_changed)
        channel.requested.connect(self._carry_out, Qt.ConnectionType.QueuedConnection)

    def notify_no_tray(self, sentence: str) -> None:
        """Show the advice `sentence` on a desktop that shows no tray icons."""
        self._notify(no_tray_notification(sentence))

    def notify_crashes(self, sentences: Sequence[str]) -> None:
        """Notify how earlier runs crashed, if `sentences` has any."""
        if sentences:
            self._notify(crash_notification(sentences))

    def notify_settings(self, problems: Sequence[str]) -> None:
        """Notify problems of the settings, if there are any.

        A notification is needed because a program that the session starts has no terminal for error messages.
        """
        if problems:
            self._notify(settings_notification(problems))

    def on_receiver_stopped(self, problem: str) -> None:
        """Show that no callback is received any more, even during a pause.

        The request goes directly to the notifier, because the dispatcher has stopped together with the receiver.
        """
        self.notifier.show(listener_closed_notification(problem))

    def pause(self, until: Millis | None) -> None:
        """Show no notifications until the time `until`, or end the pause if `until` is None."""
        self._call_soon(partial(self._dispatcher.pause, until))

    def mark_window_seen(self) -> None:
        """Called when the user opens the window. Incidents held for a summary need no notification then."""
        self._call_soon(self._dispatcher.mark_seen)

    def _notify(self, notification: Notification) -> None:
        self._call_soon(partial(self._dispatcher.notify, notification))

    def _on_notifier_changed(self) -> None:
        self._call_soon(partial(self._dispatcher.set_available, self._channel, self.notifier.available))
        self._refresh()

    def _carry_out(self, request: NotificationRequest) -> None:
        if isinstance(request, ShowNotification):
            self.notifier.show(request.notification)
        else:
            self.notifier.withdraw(request.tag, request.final)

    def _on_click(self, tag: str, page: str) -> None:
        """Called when the user clicks a notification: open `page` of its incident, or the best page if `page` is empty.

        Show the window instead if the incident or the page does not exist, or if no browser can be opened.
        """
        number = tagged_incident(tag)
        stored = next(iter(self._backend.incidents.by_ids([number]) or ()), None) if number is not None else None
        backend = self._backend
        if stored is None or open_console(backend.incidents, backend.actions, stored, page) is not None:
            self._show_window(number)


def _platform_notifier() -> Callable[..., Notifier]:
    if sys.platform == "linux":
        from trayalert.ui.notifications.dbus import DbusNotifier as PlatformNotifier  # noqa: PLC0415 - Linux only
    else:
        from trayalert.ui.notifications.portable import PortableNotifier as PlatformNotifier  # noqa: PLC0415 - others
    return PlatformNotifier
