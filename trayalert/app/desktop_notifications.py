"""The desktop as a notification channel.

This module passes the dispatcher's requests to the notifier, and opens a console page or the window when the user
clicks a notification.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal

from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, tagged_incident
from trayalert.domain.times import Millis
from trayalert.services.notify.dispatcher import NotificationDispatcher
from trayalert.services.notify.notification_writer import render_notification
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
    """Passes notification requests from the receiver's thread to the main thread.

    The object must be created on the main thread.
    """

    name = "the desktop"
    requested = Signal(object)
    """Emitted on the receiver's thread with each NotificationRequest that the notifier must carry out."""

    async def carry_out(self, request: NotificationRequest) -> None:
        """Emit `requested`, without waiting until the main thread has carried out the request."""
        self.requested.emit(request)


class DesktopNotifications(QObject):
    """Owns the notifier and connects it to the dispatcher. Main thread only.

    `call_soon` schedules a function call on the dispatcher's event loop. `show_window` is called with the id of the
    incident to select, or with None. `refresh` is called when the notifier becomes available or unavailable, and when
    its `problem` changes.
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
        """Notify the user that the desktop shows no tray icons. `sentence` says why, and what to do."""
        self._notify(no_tray_notification(sentence))

    def notify_crashes(self, sentences: Sequence[str]) -> None:
        """Notify the user that an earlier run crashed.

        `sentences` describe the crashes. If `sentences` is empty, do nothing.
        """
        if sentences:
            self._notify(crash_notification(sentences))

    def notify_settings(self, problems: Sequence[str]) -> None:
        """Notify the user of `problems` in the settings. If `problems` is empty, do nothing.

        If the desktop session starts the program, there is no terminal that could show the problems.
        """
        if problems:
            self._notify(settings_notification(problems))

    def on_receiver_stopped(self, problem: str) -> None:
        """Notify the user that callbacks are no longer received.

        This notification is shown even while notifications are paused. The dispatcher has stopped together with the
        receiver, so the notification goes directly to the notifier.
        """
        notification = listener_closed_notification(problem)
        self.notifier.show(render_notification(notification, self._backend.program.language))

    def pause(self, until: Millis | None) -> None:
        """Pause notifications until a wall-clock time in milliseconds. If `until` is None, end the pause."""
        self._call_soon(partial(self._dispatcher.pause, until))

    def mark_window_seen(self) -> None:
        """Record that the user has opened the window.

        Notifications that have not been shown yet are discarded, because the window shows everything.
        """
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
        """Open a console page for the incident whose notification the user has clicked.

        `tag` identifies the notification and thus the incident. `page` is the name of the console page, or "" for the
        best page. If no page can be opened, show the window instead.
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
