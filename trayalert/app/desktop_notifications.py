"""The desktop as a channel of the dispatcher: requests go to the notifier on the main thread, clicks open pages."""

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
    """Hands requests from the receiver's thread to the main thread, on which the channel is made."""

    name = "the desktop"
    requested = Signal(object)
    """A NotificationRequest."""

    async def carry_out(self, request: NotificationRequest) -> None:
        """Hand over a request; never waits for the main thread."""
        self.requested.emit(request)


class DesktopNotifications(QObject):
    """Owns the notifier. Main thread only; `call_soon` calls a function on the loop of the dispatcher.

    `show_window` gets the incident to select, or None. `refresh` is called when the notifier's state changes.
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
        """Notify that this desktop shows no tray icons."""
        self._notify(no_tray_notification(sentence))

    def notify_crashes(self, sentences: Sequence[str]) -> None:
        """Notify how an earlier run ended."""
        if sentences:
            self._notify(crash_notification(sentences))

    def notify_settings(self, problems: Sequence[str]) -> None:
        """Notify problems of the settings, as nobody reads the terminal of a program that the session starts."""
        if problems:
            self._notify(settings_notification(problems))

    def on_receiver_stopped(self, problem: str) -> None:
        """Show that nothing is received any more; the dispatcher has stopped, too, and a pause does not hide that."""
        self.notifier.show(listener_closed_notification(problem))

    def pause(self, until: Millis | None) -> None:
        """Show nothing until then; None ends the pause."""
        self._call_soon(partial(self._dispatcher.pause, until))

    def mark_window_seen(self) -> None:
        """The person looks at the window."""
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
        """Open that page of the incident, else its best one; open the window if there is no page or no incident."""
        number = tagged_incident(tag)
        stored = next(iter(self._backend.incidents.by_ids([number]) or ()), None) if number is not None else None
        backend = self._backend
        if stored is None or open_console(backend.incidents, backend.actions, stored, page) is not None:
            self._show_window(number)


def _platform_notifier() -> Callable[..., Notifier]:
    if sys.platform == "linux":
        from trayalert.ui.notifications.dbus import DbusNotifier as PlatformNotifier  # noqa: PLC0415 - Linux only
    else:
        from trayalert.ui.notifications.portable import PortableNotifier as PlatformNotifier  # noqa: PLC0415 - likewise
    return PlatformNotifier
