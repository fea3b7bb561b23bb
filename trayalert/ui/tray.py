"""The tray: picture, tooltip and menu. Its rule: it is touched only where something changed, at most 4 times a second.

The menu is exported over D-Bus by the desktop's tray, so its entries are made once and their words changed in place.
Qt follows a tray host that comes, goes or restarts; whether one is there is asked when something changes and once a
minute (`look_for_host`), for an idle program has no more wake-ups to give.
"""

from typing import Final

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from trayalert.domain.incident.stored import StoredIncident
from trayalert.domain.text import sentence
from trayalert.services.presentation.alert_text import place_words
from trayalert.ui.backend import Desk, DeskState
from trayalert.ui.icons import TrayLook, level_icon, tray_icon
from trayalert.ui.safe_text import copy_text, elided, show_caption, show_tray_tooltip
from trayalert.ui.state_wording import (
    headline,
    is_paused,
    last_callback,
    paused_words,
    reach_words,
    tray_troubles,
    tunnel_words,
)
from trayalert.ui.wording import level_words, local_time, name_of, shown_level

SPAN_MS: Final = 250
"""The shortest time between two touches."""
GRACE_MS: Final = 3000
"""A panel that restarts, or starts with the session, gets this long before the tray counts as missing."""
PAUSE_SPAN: Final = 3_600_000
BURNING: Final = 6
TROUBLES: Final = 3


class Tray(QObject):
    """The icon in the panel. `refresh` may be called as often as one likes."""

    window_wanted = Signal()
    touched = Signal()
    """The desk's state was read anew."""
    console_wanted = Signal(object)
    """A StoredIncident, chosen in the menu."""
    guide_wanted = Signal()
    gaps_wanted = Signal()
    failed = Signal(str)
    """A sentence: what was wished here could not be done."""
    missing = Signal()
    """There is no tray host, and has not been for a while: something else must be visible."""

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._look: TrayLook | None = None
        self._tooltip: list[str] = []
        self.state = DeskState()
        """What was shown last."""
        self._burning: list[StoredIncident] = []
        self._seen = False
        """Whether the icon can be seen, as it was when it was touched: asking wakes the bus's thread 30 times."""
        self._touched = QElapsedTimer()
        self._pending = QTimer(self, singleShot=True)
        self._pending.timeout.connect(self._touch)
        self._grace = QTimer(self, singleShot=True, interval=GRACE_MS)
        self._grace.timeout.connect(self._miss_host)
        self.icon = QSystemTrayIcon(self)
        self.icon.activated.connect(self._activated)
        self._menu = QMenu()
        self._menu.aboutToShow.connect(self._touch)
        self._build_menu()
        self.icon.setContextMenu(self._menu)

    @property
    def menu(self) -> QMenu:
        """The menu, which the strip shows too."""
        return self._menu

    @property
    def present(self) -> bool:
        """Whether the icon can be seen."""
        return QSystemTrayIcon.isSystemTrayAvailable() and self.icon.isVisible()

    def start(self) -> None:
        """Show the icon; where there is no host yet it appears as soon as there is one."""
        self._touch()
        self.icon.show()
        self.look_for_host()

    def stop(self) -> None:
        """Take the icon away."""
        self._pending.stop()
        self._grace.stop()
        self.icon.hide()

    def refresh(self) -> None:
        """Show the desk's present state, at once or when SPAN_MS is over."""
        if self._pending.isActive():
            return
        since = self._touched.elapsed() if self._touched.isValid() else SPAN_MS
        if since >= SPAN_MS:
            self._touch()
        else:
            self._pending.start(int(SPAN_MS - since))

    def look_for_host(self) -> None:
        """Start the grace of a missing host; called now and then."""
        self._seen = self.present
        if self._seen:
            self._grace.stop()
        elif not self._grace.isActive():
            self._grace.start()

    def _miss_host(self) -> None:
        if not self.present:
            self.missing.emit()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in {QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.MiddleClick}:
            self.window_wanted.emit()

    def _touch(self) -> None:
        self._touched.restart()
        self._pending.stop()
        self.look_for_host()
        state, now = self._desk.state(), self._desk.now()
        self.state = state
        look = TrayLook.of(state, now=now)
        if look != self._look:
            self._look = look
            self.icon.setIcon(tray_icon(look))
        tooltip = self._tooltip_lines(state)
        if tooltip != self._tooltip:
            self._tooltip = tooltip
            show_tray_tooltip(self.icon, tooltip)
        self._show_burning(state)
        self._show_state(state)
        self.touched.emit()

    def _tooltip_lines(self, state: DeskState) -> list[str]:
        now = self._desk.now()
        lines = [
            f"trayalert: {headline(state, self._desk.language, now=now)}",
            last_callback(state, now=now),
            reach_words(state, now=now),
            *tray_troubles(state, now=now),
            *map(sentence, state.news),
        ]
        if state.probing:
            lines.append(state.probing)
        if is_paused(state, now=now):
            lines.append(f"Notifications {paused_words(state, now=now)}")
        return lines

    def _build_menu(self) -> None:
        menu = self._menu
        self._headline = self._add_words()
        self._burning_entries = [menu.addAction("") for _ in range(BURNING)]
        for place, entry in enumerate(self._burning_entries):
            entry.setVisible(False)
            entry.triggered.connect(lambda _checked=False, place=place: self._choose(place))
        self._more = menu.addAction("")
        self._more.triggered.connect(self.window_wanted)
        menu.addSeparator()
        self._last_callback = self._add_words()
        self._reach = self._add_words()
        self._tunnel = self._add_words()
        self._probing = self._add_words()
        self._troubles = [menu.addAction("") for _ in range(TROUBLES)]
        for entry in self._troubles:
            entry.triggered.connect(self.window_wanted)
        menu.addSeparator()
        menu.addAction("Open trayalert").triggered.connect(self.window_wanted)
        menu.addAction("Copy callback URL").triggered.connect(lambda: copy_text(self._desk.callback_url()))
        menu.addAction("Set up reach…").triggered.connect(self.guide_wanted)
        menu.addAction("Gaps…").triggered.connect(self.gaps_wanted)
        self._pause = menu.addAction("")
        self._pause.triggered.connect(self._toggle_pause)
        self._autostart = menu.addAction("Start with the session")
        self._autostart.setCheckable(True)
        self._autostart.triggered.connect(self._set_autostart)
        menu.addSeparator()
        menu.addAction("Quit").triggered.connect(self._desk.quit)

    def _add_words(self) -> QAction:
        """Add an entry that only says something."""
        entry = self._menu.addAction("")
        entry.setEnabled(False)
        return entry

    def _say(self, entry: QAction, words: str) -> None:
        # only a tray on D-Bus does not know where its icon is; with no tray the strip shows the menu
        show_caption(entry, words, exported=self._seen and self.icon.geometry().isEmpty())

    def _show_burning(self, state: DeskState) -> None:
        self._burning = list(self._desk.burning(limit=BURNING)) if state.open_incidents else []
        for place, entry in enumerate(self._burning_entries):
            if place < len(self._burning):
                self._show_incident(entry, self._burning[place])
            _show_entry(entry, visible=place < len(self._burning))
        more = state.open_incidents - len(self._burning)
        self._say(self._more, f"{more} more…")
        _show_entry(self._more, visible=more > 0)

    def _show_incident(self, entry: QAction, stored: StoredIncident) -> None:
        unconfirmed = self._desk.unconfirmed(stored)
        since = local_time(stored.incident.opened_at, now=self._desk.now(), seconds=False)
        language = self._desk.language
        resource = elided(place_words(stored.alert.alert), 26)
        level = level_words(stored, language, unconfirmed=unconfirmed)
        began = language.say("since {}").format(since)
        words = [level, elided(name_of(stored, language), 34), resource, began]
        self._say(entry, " · ".join(word for word in words if word))
        icon = level_icon(shown_level(stored.incident))
        if _key(entry.icon()) != _key(icon):
            entry.setIcon(icon)

    def _show_state(self, state: DeskState) -> None:
        now = self._desk.now()
        self._say(self._headline, headline(state, self._desk.language, now=now))
        self._say(self._last_callback, last_callback(state, now=now))
        self._say(self._reach, elided(reach_words(state, now=now), 100))
        tunnel = tunnel_words(self._desk.tunnel(), now=now)
        self._say(self._tunnel, elided(tunnel, 100))
        _show_entry(self._tunnel, visible=bool(tunnel))
        self._say(self._probing, elided((state.probing or "").partition(". ")[0], 100))
        _show_entry(self._probing, visible=bool(state.probing))
        troubles = (*tray_troubles(state, now=now), *state.news)
        for place, entry in enumerate(self._troubles):
            trouble = troubles[place] if place < len(troubles) else ""
            self._say(entry, elided(trouble, 80))
            _show_entry(entry, visible=bool(trouble))
        paused = f"Resume notifications ({paused_words(state, now=now)})"
        self._say(self._pause, paused if is_paused(state, now=now) else "Pause notifications for 1 hour")
        self._show_autostart()

    def _show_autostart(self) -> None:
        starts = self._desk.autostarts()
        if self._autostart.isChecked() != bool(starts):
            self._autostart.setChecked(bool(starts))
        _show_entry(self._autostart, visible=starts is not None)

    def _set_autostart(self, wanted: bool) -> None:
        problem = self._desk.set_autostart(wanted)
        self._show_autostart()
        if problem:
            self.failed.emit(problem)

    def _choose(self, place: int) -> None:
        if place < len(self._burning):
            self.console_wanted.emit(self._burning[place])

    def _toggle_pause(self) -> None:
        now = self._desk.now()
        self._desk.pause(None if is_paused(self._desk.state(), now=now) else now + PAUSE_SPAN)
        self._touch()


def _show_entry(entry: QAction, *, visible: bool) -> None:
    if entry.isVisible() != visible:
        entry.setVisible(visible)


def _key(icon: QIcon) -> int:
    return 0 if icon.isNull() else icon.cacheKey()
