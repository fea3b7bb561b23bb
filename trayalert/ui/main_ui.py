"""The whole user interface except notifications: tray, overlay, main window, gaps, help and setup assistant.

All parts except the tray are imported and created on first use. If there is no tray, the overlay is shown instead. In
the first run without a tray, the main window is shown, too.

The settings can forbid the overlay. Without a tray and an overlay, the main window is shown, and closing the window
only minimises it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QSystemTrayIcon

from trayalert.domain.events import (
    Event,
    IncidentChanged,
    LogChanged,
    ReachabilityChanged,
    ReparseProgress,
    ResolveFailed,
)
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.phrase import Phrase
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import Backend
from trayalert.ui.captions import QtCaptions
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.incidents.incident_menu import open_console
from trayalert.ui.state_wording import gnome_tray_advice
from trayalert.ui.tray import Tray

if TYPE_CHECKING:
    from trayalert.ui.gaps_view import GapsView
    from trayalert.ui.help.help_window import HelpWindow
    from trayalert.ui.overlay import Overlay
    from trayalert.ui.setup.assistant import SetupAssistant
    from trayalert.ui.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class MainUiTiming:
    """The UI's intervals in milliseconds.

    `minute` is the interval at which the UI updates all that it shows, even without an event. `retry` is the time
    between two queries while the log cannot be read. During a reparse, the table is reloaded at most once per
    `reload_interval`.
    """

    minute: int = 60_000
    retry: int = 2000
    reload_interval: int = 1000


class MainUi(QObject):
    """All parts of the user interface except notifications.

    If `setup_requested` is true, `start` also shows the setup assistant. `host_available()` returns whether there is a
    tray host: a program that shows tray icons, such as a panel.
    """

    advised = Signal(object)
    """Emitted with advice on how to get a tray on this desktop.

    After the first emission, neither this run nor a later run emits the signal.
    """

    def __init__(
        self,
        backend: Backend,
        bridge: EventBridge,
        parent: QObject | None = None,
        *,
        setup_requested: bool = False,
        environment: Mapping[str, str] = os.environ,
        timing: MainUiTiming = MainUiTiming(),
        host_available: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable,
    ) -> None:
        super().__init__(parent)
        self._backend = backend
        self._setup_requested = setup_requested
        self._environment = environment
        self._minimised = False
        self._tray_missing = False
        self._advice: str | None = None
        self._qt_captions = QtCaptions(self._language)
        self._qt_captions.retranslate()
        self.tray = Tray(backend, self, host_available=host_available)
        self.overlay: Overlay | None = None
        self.window: Window | None = None
        self.setup_assistant: SetupAssistant | None = None
        self.gaps: GapsView | None = None
        self.help: HelpWindow | None = None
        self._minute_timer = QTimer(self, interval=timing.minute)
        self._minute_timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._minute_timer.timeout.connect(self._on_minute)
        self._retry_timer = QTimer(self, singleShot=True, interval=timing.retry)
        self._retry_timer.timeout.connect(self.refresh)
        self._reload_timer = QTimer(self, singleShot=True, interval=timing.reload_interval)
        self._reload_timer.timeout.connect(self._reload)
        self._log_file = 0
        self.tray.window_requested.connect(self.show_window)
        self.tray.host_missing.connect(self._on_tray_missing)
        self.tray.setup_requested.connect(self.show_setup_assistant)
        self.tray.gaps_requested.connect(self.show_gaps)
        self.tray.help_requested.connect(self.show_help)
        self.tray.failed.connect(self._show_problem)
        self.tray.language_changed.connect(self.retranslate)
        self.tray.console_requested.connect(self._open_console)
        self.tray.refreshed.connect(self._on_tray_refreshed)
        bridge.arrived.connect(self._on_events)

    @property
    def log_retry_pending(self) -> bool:
        """Whether a query of the log has failed and will be repeated."""
        return self._retry_timer.isActive()

    def start(self, *, minimised: bool = False) -> None:
        """Show the tray icon. If the settings say that the overlay is always shown, show the overlay, too.

        If no tray host appears within `TrayTiming.grace`, the settings decide what is shown instead:

        - If the settings allow the overlay, the overlay is shown. In the first run without a tray, the window is shown,
          too, unless `minimised` is true.
        - If the settings forbid the overlay, the window is shown. If `minimised` is true, the window is minimised.
        """
        self._minimised = minimised
        self.tray.start()
        self._minute_timer.start()
        if self._backend.program.overlay_mode == "always":
            self._show_overlay()
        if self._setup_requested:
            self.show_setup_assistant()

    def stop(self) -> None:
        """Stop the timers, hide the tray icon and delete all windows."""
        for timer in (self._minute_timer, self._retry_timer, self._reload_timer):
            timer.stop()
        self.tray.stop()
        self._qt_captions.remove()
        for widget in (self.window, self.overlay, self.setup_assistant, self.gaps, self.help):
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.window = self.overlay = self.setup_assistant = self.gaps = self.help = None

    def retranslate(self) -> None:
        """Show all texts of all parts in the current language."""
        self._qt_captions.retranslate()
        self.tray.retranslate()
        for part in (self.window, self.overlay, self.gaps, self.help):
            if part is not None:
                part.retranslate()
        if self.setup_assistant is not None:
            self.setup_assistant.retranslate()

    def _language(self) -> Language:
        return self._backend.program.language

    def show_window(self, select: int | None = None) -> None:
        """Show the window above all other windows. If `select` is given, select the incident with that id."""
        self._open_window(select)

    def _open_window(self, select: int | None = None) -> "Window":
        if self.window is None:
            from trayalert.ui.window import Window

            self.window = Window(self._backend, may_hide=self._window_may_hide)
            self.window.setup_requested.connect(self.show_setup_assistant)
            self.window.gaps_requested.connect(self.show_gaps)
            self.window.help_requested.connect(self.show_help)
            self.window.advice_dismissed.connect(self._drop_advice)
            if self._advice is not None:
                self.window.status.show_advice(self._advice)
        self.window.bring_up(select)
        self.refresh()  # a tray may have appeared in the meantime; the overlay is then hidden
        return self.window

    def show_setup_assistant(self) -> None:
        """Show the setup assistant.

        The assistant continues on the page on which the user closed it, unless the user had finished the last page.
        """
        if self.setup_assistant is None:
            from trayalert.ui.setup.assistant import SetupAssistant

            self.setup_assistant = SetupAssistant(self._backend.setup, self._backend.program)
            self.setup_assistant.finished.connect(self._drop_setup_assistant)
            self.setup_assistant.help_requested.connect(self.show_help)
        _raise_window(self.setup_assistant)

    def show_gaps(self) -> None:
        """Show the gaps window with the current gaps."""
        if self.gaps is None:
            from trayalert.ui.gaps_view import GapsView

            self.gaps = GapsView(self._backend.incidents, self._language)
            self.gaps.finished.connect(self._drop_gaps)
            self.gaps.help_requested.connect(self.show_help)
        self.gaps.refresh(now=self._backend.program.now())
        _raise_window(self.gaps)

    def show_help(self, topic: str) -> None:
        """Show the help page for a topic. If the backend has a `help_topic`, show the page for `help_topic` instead."""
        if self.help is None:
            from trayalert.ui.help.help_window import HelpWindow

            self.help = HelpWindow(self._language)
            self.help.finished.connect(self._drop_help)
        self.help.show_page(self._backend.program.help_topic or topic)
        _raise_window(self.help)

    def refresh(self) -> None:
        """Show the backend's current state in all visible parts of the UI. Updates are limited to 4 per second."""
        self.tray.refresh()

    def _on_tray_refreshed(self) -> None:
        if self.tray.state.log_unreadable:
            self._retry_timer.start()
        if self._tray_missing and self.tray.present:
            self._tray_missing = False
            if self.overlay is not None and self._backend.program.overlay_mode == "auto":
                self.overlay.hide()
        if self.overlay is not None and self.overlay.isVisible():
            self.overlay.show_state(self.tray.state)
        if self.window is not None and self.window.isVisible():
            self.window.refresh()

    def _on_tray_missing(self) -> None:
        if self._tray_missing:
            return
        self._tray_missing = True
        self._advise()
        if self._backend.program.overlay_mode != "never":
            self._show_overlay()
        overlay_suffices = self.overlay is not None and (
            self._minimised or self._backend.program.recall("without_tray")
        )
        if not overlay_suffices:
            self.show_window()
        if self.window is not None and self._minimised and self.overlay is None:
            self.window.showMinimized()
        self._backend.program.remember("without_tray", True)

    def _show_overlay(self) -> None:
        if self.overlay is None:
            from trayalert.ui.overlay import Overlay

            self.overlay = Overlay(self._backend.program, self.tray.menu)
            self.overlay.window_requested.connect(self.tray.window_requested)
        self.overlay.show_state(self.tray.state)
        self.overlay.bring_up()

    def _window_may_hide(self) -> bool:
        return self.tray.present or (self.overlay is not None and self.overlay.isVisible())

    def _advise(self) -> None:
        """Advise the user how to get a tray on this desktop, unless this or an earlier run has given this advice."""
        advice = gnome_tray_advice(self._environment)
        if advice is None or self._backend.program.recall("told_gnome"):
            return
        self._backend.program.remember("told_gnome", True)
        self._advice = advice
        if self.window is not None:
            self.window.status.show_advice(advice)
        self.advised.emit(advice)

    def _drop_advice(self) -> None:
        self._advice = None

    def _drop_setup_assistant(self) -> None:
        self.setup_assistant = None

    def _drop_gaps(self) -> None:
        self.gaps = None

    def _drop_help(self) -> None:
        self.help = None

    def _on_events(self, events: list[Event]) -> None:
        if self.setup_assistant is not None:
            self.setup_assistant.on_events(events)
        for event in events:
            match event:
                case LogChanged() if event.state.new_file != self._log_file:
                    self._log_file = event.state.new_file
                    self._reload()
                case ReparseProgress() if not self._reload_timer.isActive():
                    self._reload_timer.start()
                case ReachabilityChanged() if self.window is not None:
                    self.window.show_probe_result()
                case ResolveFailed() if self.window is not None:
                    problem = Phrase("The incident could not be marked recovered: {reason}", reason=event.message)
                    self.window.status.show_problem(problem)
        changed = [event.incident_id for event in events if isinstance(event, IncidentChanged)]
        if changed and self.window is not None:
            self.window.incidents.queue_changes(changed)
        self.refresh()

    def _reload(self) -> None:
        if self.window is not None:
            self.window.incidents.reload()

    def _show_problem(self, sentence: str) -> None:
        self._open_window().status.show_problem(sentence)

    def _on_minute(self) -> None:
        self.refresh()
        if self.window is not None:
            self.window.refresh_texts()

    def _open_console(self, stored: StoredIncident) -> None:
        problem = open_console(self._backend.incidents, self._backend.actions, stored)
        if problem is not None:
            self._open_window(stored.incident.id).status.show_message(problem)


def _raise_window(dialog: "SetupAssistant | GapsView | HelpWindow") -> None:
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
