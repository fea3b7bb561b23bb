"""The front: tray and window together. Its rule: the window is imported and made when it is first wanted."""

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, QTimer

from trayalert.domain.events import Event, IncidentChanged, LogChanged, Reread, ResolveFailed
from trayalert.domain.stored import StoredIncident
from trayalert.ui.bridge import EventBridge
from trayalert.ui.console import open_console
from trayalert.ui.desk import Desk
from trayalert.ui.tray import Tray

if TYPE_CHECKING:
    from trayalert.ui.window import Window

MINUTE_MS: Final = 60_000
AGAIN_MS: Final = 2000
"""While the log cannot be read it is asked again this often."""
REREAD_MS: Final = 1000
"""While old callbacks are read again the table is read anew no more often than this."""


class Front(QObject):
    """All that the person sees but notifications. Main thread only."""

    def __init__(self, desk: Desk, bridge: EventBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.tray = Tray(desk, self)
        self.window: Window | None = None
        self._minute = QTimer(self, interval=MINUTE_MS)
        self._minute.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._minute.timeout.connect(self._age)
        self._again = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._again.timeout.connect(self.refresh)
        self._reread = QTimer(self, singleShot=True, interval=REREAD_MS)
        self._reread.timeout.connect(self._reload)
        self._file = 0
        self.tray.window_wanted.connect(self.show_window)
        self.tray.missing.connect(self.show_window)
        self.tray.console_wanted.connect(self._open_console)
        self.tray.touched.connect(self._refresh_window)
        bridge.arrived.connect(self._take)

    def start(self) -> None:
        """Show the tray; where there is none the window comes up a moment later."""
        self.tray.start()
        self._minute.start()

    def stop(self) -> None:
        """Take away all that is seen."""
        self._minute.stop()
        self._again.stop()
        self._reread.stop()
        self.tray.stop()
        if self.window is not None:
            self.window.hide()
            self.window.deleteLater()
            self.window = None

    def show_window(self, select: int | None = None) -> None:
        """Show the window above all others, with that incident selected."""
        if self.window is None:
            from trayalert.ui.window import Window  # noqa: PLC0415 (only who opens it pays for it)

            self.window = Window(self._desk, tray_present=lambda: self.tray.present)
        self.window.bring_up(select)

    def refresh(self) -> None:
        """Show the desk's present state everywhere, at most 4 times a second."""
        self.tray.refresh()

    def _refresh_window(self) -> None:
        if self.tray.state.unread:
            self._again.start()
        if self.window is not None and self.window.isVisible():
            self.window.refresh()

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, LogChanged) and event.state.new_file != self._file:
                self._file = event.state.new_file
                self._reload()
            if isinstance(event, ResolveFailed):
                self._tell_failure(event)
            if isinstance(event, Reread) and not self._reread.isActive():
                self._reread.start()
        changed = [event.incident_id for event in events if isinstance(event, IncidentChanged)]
        if changed and self.window is not None:
            self.window.announce(changed)
        self.refresh()

    def _reload(self) -> None:
        if self.window is not None:
            self.window.reload()

    def _tell_failure(self, failed: ResolveFailed) -> None:
        if self.window is not None:
            self.window.complain(f"The incident could not be marked recovered: {failed.sentence}")

    def _age(self) -> None:
        self.refresh()
        if self.window is not None:
            self.window.reword()

    def _open_console(self, stored: StoredIncident) -> None:
        problem = open_console(self._desk, stored)
        if problem is not None:
            self.show_window(stored.incident.id)
            if self.window is not None:
                self.window.say(problem)
