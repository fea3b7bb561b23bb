"""Qt's application, and what asks it to end: signals of the system, and Qt's own quit."""

import asyncio
import signal
import sys
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QApplication

from trayalert.ui.appearance import follow_desktop, theme_arguments


def make_application(on_screen_open: Callable[[], None]) -> QApplication:
    """Make Qt's application, which outlives its windows; `on_screen_open` is called when Qt has the screen."""
    app = QApplication(["trayalert", *theme_arguments()])
    on_screen_open()
    follow_desktop(app)
    app.setApplicationName("trayalert")
    app.setDesktopFileName("trayalert")
    app.setQuitOnLastWindowClosed(False)
    return app


class QuitFilter(QObject):
    """Turns Qt's own quit (a session that ends, a menu of the system) into ours."""

    quit_requested = Signal()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Keep Qt from ending the program."""
        if event.type() == QEvent.Type.Quit:
            self.quit_requested.emit()
            return True
        return super().eventFilter(watched, event)


def collect_early_signals() -> list[int]:
    """Return a list that gets the signals to end that come before the loop runs, when the listener may be open."""
    early_signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: early_signals.append(number))
    return early_signals


def set_on_signals(quit_event: asyncio.Event) -> None:
    """Set the event when the system, or the person at a terminal, asks the program to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(quit_event.set))
        else:
            loop.add_signal_handler(number, quit_event.set)
