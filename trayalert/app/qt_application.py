"""Creates the QApplication, and turns SIGTERM, SIGINT and Qt's quit event into a clean shutdown of the program."""

import asyncio
import locale
import signal
import sys
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QApplication

from trayalert.ui.appearance import follow_desktop, theme_arguments


def make_application(on_screen_open: Callable[[], None]) -> QApplication:
    """Create the QApplication, which keeps running after its last window has been closed.

    `on_screen_open` is called when Qt has connected to the screen.
    """
    app = QApplication(["trayalert", *theme_arguments()])
    if hasattr(locale, "LC_MESSAGES"):
        # Qt has set the locale, in which the C library would word its errors; these errors are part of JSON, too
        locale.setlocale(locale.LC_MESSAGES, "C")
    on_screen_open()
    follow_desktop(app)
    app.setApplicationName("trayalert")
    app.setDesktopFileName("trayalert")
    app.setQuitOnLastWindowClosed(False)
    return app


class QuitFilter(QObject):
    """Intercepts Qt's quit event and emits `quit_requested` instead.

    Qt sends the quit event when the desktop session ends or a system menu quits the program.
    """

    quit_requested = Signal()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Consume the quit event, so that Qt does not end its event loop. Called by Qt for each event."""
        if event.type() == QEvent.Type.Quit:
            self.quit_requested.emit()
            return True
        return super().eventFilter(watched, event)


def collect_early_signals() -> list[int]:
    """Install handlers that append each SIGTERM and SIGINT to the returned list.

    While Qt is loading, the listener may already be open. Without these handlers, a signal would then kill the program.
    Later, `set_on_signals` replaces these handlers.
    """
    early_signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: early_signals.append(number))
    return early_signals


def set_on_signals(quit_event: asyncio.Event) -> None:
    """Install handlers that set `quit_event` when the program receives SIGTERM or SIGINT (Ctrl+C in a terminal)."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(quit_event.set))
        else:
            loop.add_signal_handler(number, quit_event.set)
