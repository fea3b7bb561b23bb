"""The front: tray, strip, window and guide together. Its rule: all but the tray is imported and made when it is wanted.

With no tray the strip is the way out, the first time together with the window; with neither the window stays.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from trayalert.domain.events import Event, IncidentChanged, LogChanged, ReachChanged, Reread, ResolveFailed
from trayalert.domain.incident.stored import StoredIncident
from trayalert.ui.backend import Desk
from trayalert.ui.console_opener import open_console
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.state_wording import gnome_words
from trayalert.ui.tray import Tray

if TYPE_CHECKING:
    from trayalert.ui.gaps_view import GapsView
    from trayalert.ui.overlay import Strip
    from trayalert.ui.setup.assistant import Guide
    from trayalert.ui.window import Window

MINUTE_MS: Final = 60_000
AGAIN_MS: Final = 2000
"""While the log cannot be read it is asked again this often."""
REREAD_MS: Final = 1000
"""While old callbacks are read again the table is read anew no more often than this."""


class Front(QObject):
    """All that the person sees but notifications. Main thread only. With `guide_wanted` it begins with the guide."""

    advised = Signal(str)
    """A sentence about what would help with this desktop: told once, ever."""

    def __init__(
        self,
        desk: Desk,
        bridge: EventBridge,
        parent: QObject | None = None,
        *,
        guide_wanted: bool = False,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._guide_wanted = guide_wanted
        self._environment = environment
        self._minimised = False
        self._missed = False
        self._advice: str | None = None
        self.tray = Tray(desk, self)
        self.strip: Strip | None = None
        self.window: Window | None = None
        self.guide: Guide | None = None
        self.gaps: GapsView | None = None
        self._minute = QTimer(self, interval=MINUTE_MS)
        self._minute.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._minute.timeout.connect(self._age)
        self._again = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._again.timeout.connect(self.refresh)
        self._reread = QTimer(self, singleShot=True, interval=REREAD_MS)
        self._reread.timeout.connect(self._reload)
        self._file = 0
        self.tray.window_wanted.connect(self.show_window)
        self.tray.missing.connect(self._miss_tray)
        self.tray.guide_wanted.connect(self.show_guide)
        self.tray.gaps_wanted.connect(self.show_gaps)
        self.tray.failed.connect(self._complain)
        self.tray.console_wanted.connect(self._open_console)
        self.tray.touched.connect(self._show_touched)
        bridge.arrived.connect(self._take)

    def start(self, *, minimised: bool = False) -> None:
        """Show the tray; where there is none strip and window come up a moment later, `minimised` only the strip."""
        self._minimised = minimised
        self.tray.start()
        self._minute.start()
        if self._desk.strip == "always":
            self._show_strip()
        if self._guide_wanted:
            self.show_guide()

    def stop(self) -> None:
        """Take away all that is seen."""
        self._minute.stop()
        self._again.stop()
        self._reread.stop()
        self.tray.stop()
        for widget in (self.window, self.strip, self.guide, self.gaps):
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.window = self.strip = self.guide = self.gaps = None

    def show_window(self, select: int | None = None) -> None:
        """Show the window above all others, with that incident selected."""
        if self.window is None:
            from trayalert.ui.window import Window  # noqa: PLC0415 (only who opens it pays for it)

            self.window = Window(self._desk, way_back=self._has_way_back)
            self.window.guide_wanted.connect(self.show_guide)
            self.window.gaps_wanted.connect(self.show_gaps)
            self.window.advice_dismissed.connect(self._drop_advice)
            if self._advice is not None:
                self.window.advise(self._advice)
        self.window.bring_up(select)
        self.refresh()  # the tray may have come meanwhile, and the strip goes

    def show_guide(self) -> None:
        """Show the guide, where it was left."""
        if self.guide is None:
            from trayalert.ui.setup.assistant import Guide  # noqa: PLC0415 (as the window; and it is freed when it is closed)

            self.guide = Guide(self._desk)
            self.guide.finished.connect(self._drop_guide)
        self.guide.show()
        self.guide.raise_()
        self.guide.activateWindow()

    def show_gaps(self) -> None:
        """Show the gaps."""
        if self.gaps is None:
            from trayalert.ui.gaps_view import GapsView  # noqa: PLC0415 (as the window)

            self.gaps = GapsView(self._desk)
            self.gaps.finished.connect(self._drop_gaps)
        self.gaps.refresh()
        self.gaps.show()
        self.gaps.raise_()
        self.gaps.activateWindow()

    def refresh(self) -> None:
        """Show the desk's present state everywhere, at most 4 times a second."""
        self.tray.refresh()

    def _show_touched(self) -> None:
        if self.tray.state.unread:
            self._again.start()
        if self._missed and self.tray.present:
            self._missed = False
            if self.strip is not None and self._desk.strip == "auto":
                self.strip.hide()
        if self.strip is not None and self.strip.isVisible():
            self.strip.show_state(self.tray.state)
        if self.window is not None and self.window.isVisible():
            self.window.refresh()

    def _miss_tray(self) -> None:
        if self._missed:
            return
        self._missed = True
        self._advise()
        if self._desk.strip != "never":
            self._show_strip()
        known = self.strip is not None and (self._minimised or self._desk.recall("without_tray"))
        if not known:
            self.show_window()
        if self.window is not None and self._minimised and self.strip is None:
            self.window.showMinimized()
        self._desk.remember("without_tray", True)

    def _show_strip(self) -> None:
        if self.strip is None:
            from trayalert.ui.overlay import Strip  # noqa: PLC0415 (as the window)

            self.strip = Strip(self._desk, self.tray.menu)
            self.strip.window_wanted.connect(self.tray.window_wanted)
        self.strip.show_state(self.tray.state)
        self.strip.bring_up()

    def _has_way_back(self) -> bool:
        return self.tray.present or (self.strip is not None and self.strip.isVisible())

    def _advise(self) -> None:
        """Tell once how to get a tray."""
        words = gnome_words(self._environment)
        if words is None or self._desk.recall("told_gnome"):
            return
        self._desk.remember("told_gnome", True)
        self._advice = words
        if self.window is not None:
            self.window.advise(words)
        self.advised.emit(words)

    def _drop_advice(self) -> None:
        self._advice = None

    def _drop_guide(self) -> None:
        self.guide = None

    def _drop_gaps(self) -> None:
        self.gaps = None

    def _take(self, events: list[Event]) -> None:
        if self.guide is not None:
            self.guide.take(events)
        for event in events:
            if isinstance(event, LogChanged) and event.state.new_file != self._file:
                self._file = event.state.new_file
                self._reload()
            if isinstance(event, ReachChanged) and self.window is not None:
                self.window.hear_probe()
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

    def _complain(self, sentence: str) -> None:
        self.show_window()
        if self.window is not None:
            self.window.complain(sentence)

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
