"""The tray: icon, tooltip and menu. Only parts that have changed are updated, at most 4 times a second.

The entries of the menu are created only once. Later updates change only the content of the entries, because the menu is
exported over D-Bus.

A tray host is a program that shows tray icons, such as a panel. Qt itself reacts when a tray host starts, ends or
restarts. The tray is updated after changes and once a minute, and each update calls `check_host`. A second timer would
only wake up an idle program more often.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.phrase import N_, as_clause, as_sentence, first_sentence
from trayalert.services.presentation.alert_text import resource_component_text
from trayalert.ui.backend import Backend, ProgramState
from trayalert.ui.captions import Captions
from trayalert.ui.event_bridge import ThrottledAction
from trayalert.ui.icons import TrayIconState, level_icon, tray_icon
from trayalert.ui.state_wording import (
    headline,
    is_paused,
    last_callback_text,
    pause_entry_text,
    paused_text,
    reachability_text,
    tray_problems,
    tunnel_text,
)
from trayalert.ui.widgets.safe_text import copy_text, elided, show_caption, show_tray_tooltip, show_trusted_caption
from trayalert.ui.wording import incident_name, level_text, local_time, shown_level

PAUSE_MS: Final = 3_600_000
MAX_INCIDENTS: Final = 6
MAX_PROBLEMS: Final = 3
LANGUAGE_NAMES: Final = {"en": "English", "zh": "中文"}
"""Maps each language to its own name, which is never translated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrayTiming:
    """The tray's intervals in milliseconds.

    `refresh_interval` is the minimum time between two updates. `grace` is the time for which a tray host may be absent
    before the tray counts as missing. A panel needs this time to restart, or to start when the user logs in.
    """

    refresh_interval: int = 250
    grace: int = 3000


class Tray(QObject):
    """The tray icon with its tooltip and its menu.

    `refresh` can be called as often as needed, because the tray limits its updates. `host_available()` returns whether
    there is a tray host: a program that shows tray icons, such as a panel.
    """

    window_requested = Signal()
    refreshed = Signal()
    """Emitted after the backend's state has been read and shown."""
    console_requested = Signal(object)
    """Emitted with a StoredIncident when the user chooses that incident in the menu."""
    setup_requested = Signal()
    gaps_requested = Signal()
    help_requested = Signal(str)
    """Emitted with the topic of a help page."""
    failed = Signal(object)
    """Emitted when a menu action has failed, with a sentence that says what failed."""
    language_changed = Signal()
    """Emitted when the user has chosen another language in the menu."""
    host_missing = Signal()
    """Emitted when `TrayTiming.grace` has passed without a tray host.

    The connected slot must show the overlay or the window instead of the tray.
    """

    def __init__(
        self,
        backend: Backend,
        parent: QObject | None = None,
        *,
        timing: TrayTiming = TrayTiming(),
        host_available: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable,
    ) -> None:
        super().__init__(parent)
        self._backend = backend
        self._captions = Captions(lambda: backend.program.language)
        self._host_available = host_available
        self._icon_state: TrayIconState | None = None
        self._tooltip: list[str] = []
        self.state = ProgramState()
        """The state of the program that the tray currently shows."""
        self._incidents: list[StoredIncident] = []
        self._icon_visible = False
        """The value of `present` at the latest update.

        The value is stored because each query of `present` wakes the D-Bus thread 30 times.
        """
        self._throttle = ThrottledAction(self, timing.refresh_interval, self._refresh_now)
        self._grace_timer = QTimer(self, singleShot=True, interval=timing.grace)
        self._grace_timer.timeout.connect(self._report_missing_host)
        self.icon = QSystemTrayIcon(self)
        self.icon.activated.connect(self._activated)
        self._menu = QMenu()
        self._menu.aboutToShow.connect(self._throttle.run)
        self._build_menu()
        self.icon.setContextMenu(self._menu)

    @property
    def menu(self) -> QMenu:
        """The icon's menu, which the overlay also shows."""
        return self._menu

    @property
    def present(self) -> bool:
        """Whether there is a tray host and the icon is visible."""
        return self._host_available() and self.icon.isVisible()

    @property
    def settled(self) -> bool:
        """Whether no update is waiting and the next `refresh` would take effect immediately."""
        return self._throttle.ready

    def start(self) -> None:
        """Show the icon. If there is no tray host yet, the icon appears as soon as a tray host starts."""
        self._throttle.run()
        self.icon.show()
        self._throttle.run()  # a label over D-Bus is written in another way, and only a visible icon shows which way

    def stop(self) -> None:
        """Hide the icon."""
        self._throttle.stop()
        self._grace_timer.stop()
        self.icon.hide()

    def refresh(self) -> None:
        """Show the backend's current state.

        If the last update was less than `refresh_interval` ago, the update is delayed until that time has passed.
        """
        self._throttle.request()

    def retranslate(self) -> None:
        """Show all texts in the current language."""
        self._captions.retranslate()
        self._throttle.run()

    def check_host(self) -> None:
        """Start the timer for `TrayTiming.grace` if the icon is not visible. Stop the timer if the icon is visible."""
        self._icon_visible = self.present
        if self._icon_visible:
            self._grace_timer.stop()
        elif not self._grace_timer.isActive():
            self._grace_timer.start()

    def _report_missing_host(self) -> None:
        if not self.present:
            self.host_missing.emit()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in {QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.MiddleClick}:
            self.window_requested.emit()

    def _refresh_now(self) -> None:
        self.check_host()
        state, now = self._backend.program.state(), self._backend.program.now()
        self.state = state
        icon_state = TrayIconState.of(state, now=now)
        if icon_state != self._icon_state:
            self._icon_state = icon_state
            self.icon.setIcon(tray_icon(icon_state))
        tooltip = self._tooltip_lines(state)
        if tooltip != self._tooltip:
            self._tooltip = tooltip
            show_tray_tooltip(self.icon, tooltip)
        self._show_incidents(state)
        self._show_state(state)
        self.refreshed.emit()

    def _tooltip_lines(self, state: ProgramState) -> list[str]:
        now, language = self._backend.program.now(), self._backend.program.language
        lines = [
            language.say("trayalert: {state}", state=headline(state, language, now=now)),
            last_callback_text(state, language, now=now),
            reachability_text(state, language, now=now),
            *map(language.render, tray_problems(state, now=now)),
            *map(language.render, map(as_sentence, state.news)),
        ]
        if state.secret_guesses:
            lines.append(language.render(state.secret_guesses))
        if is_paused(state, now=now):
            lines.append(paused_text(state, language, now=now))
        return lines

    def _build_menu(self) -> None:
        menu = self._menu
        self._headline = self._add_text_entry()
        self._incident_entries = [menu.addAction("") for _ in range(MAX_INCIDENTS)]
        for place, entry in enumerate(self._incident_entries):
            entry.setVisible(False)
            entry.triggered.connect(lambda _checked=False, place=place: self._request_console(place))
        self._more = menu.addAction("")
        self._more.triggered.connect(self.window_requested)
        menu.addSeparator()
        self._last_callback = self._add_text_entry()
        self._reachability = self._add_text_entry()
        self._tunnel = self._add_text_entry()
        self._secret_guesses = self._add_text_entry()
        self._problem_entries = [menu.addAction("") for _ in range(MAX_PROBLEMS)]
        for entry in self._problem_entries:
            entry.triggered.connect(self.window_requested)
        menu.addSeparator()
        self._add_entry(N_("Open trayalert")).triggered.connect(self.window_requested)
        copy = self._add_entry(N_("Copy callback URL"))
        copy.triggered.connect(lambda: copy_text(self._backend.setup.callback_url()))
        self._add_entry(N_("Set up reach…")).triggered.connect(self.setup_requested)
        self._add_entry(N_("Gaps…")).triggered.connect(self.gaps_requested)
        self._pause = menu.addAction("")
        self._pause.triggered.connect(self._toggle_pause)
        self._autostart = self._add_entry(N_("Start with the session"))
        self._autostart.setCheckable(True)
        self._autostart.triggered.connect(self._set_autostart)
        self._build_language_menu()
        menu.addSeparator()
        self._add_entry(N_("Help")).triggered.connect(lambda: self.help_requested.emit("start"))
        self._add_entry(N_("Quit")).triggered.connect(self._backend.actions.quit)

    def _build_language_menu(self) -> None:
        """Add the submenu with a radio entry for each language, and one for the language of the system."""
        menu = self._menu.addMenu("")
        self._captions.bind(partial(show_trusted_caption, menu.menuAction()), N_("Language"))
        group = QActionGroup(menu)  # exclusive, therefore the entries are shown as radio buttons
        automatic = menu.addAction("")
        self._captions.bind(partial(show_trusted_caption, automatic), N_("System default"))
        self._language_entries = {"auto": automatic}
        self._language_entries.update({choice: menu.addAction(name) for choice, name in LANGUAGE_NAMES.items()})
        for choice, entry in self._language_entries.items():
            entry.setCheckable(True)
            group.addAction(entry)
            entry.triggered.connect(lambda _checked=False, choice=choice: self._choose_language(choice))

    def _add_entry(self, caption: str) -> QAction:
        """Add a menu entry with a constant text, which is marked with `N_` and translated here."""
        entry = self._menu.addAction("")
        self._captions.bind(partial(show_trusted_caption, entry), caption)
        return entry

    def _add_text_entry(self) -> QAction:
        """Add a menu entry that only shows a line of text and cannot be clicked."""
        entry = self._menu.addAction("")
        entry.setEnabled(False)
        return entry

    def _show_text(self, entry: QAction, text: str) -> None:
        """Set an entry's label and show the entry, or hide the entry if `text` is empty."""
        # a visible icon without a geometry is shown over D-Bus; if there is no tray, the overlay shows the menu itself
        show_caption(entry, text, exported=self._icon_visible and self.icon.geometry().isEmpty())
        entry.setVisible(bool(text))

    def _show_incidents(self, state: ProgramState) -> None:
        self._incidents = list(self._backend.incidents.worst_open(limit=MAX_INCIDENTS)) if state.open_incidents else []
        for place, entry in enumerate(self._incident_entries):
            if place < len(self._incidents):
                self._show_incident(entry, self._incidents[place])
            else:
                entry.setVisible(False)
        more = state.open_incidents - len(self._incidents)
        language = self._backend.program.language
        self._show_text(self._more, language.say("{count} more…", count=more) if more > 0 else "")

    def _show_incident(self, entry: QAction, stored: StoredIncident) -> None:
        unconfirmed = self._backend.incidents.unconfirmed(stored)
        since = local_time(stored.incident.opened_at, now=self._backend.program.now())
        language = self._backend.program.language
        resource = elided(language.render(resource_component_text(stored.alert.alert)), 26)
        level = level_text(stored, language, unconfirmed=unconfirmed)
        began = language.say("since {time}", time=since)
        words = [level, elided(incident_name(stored, language), 34), resource, began]
        self._show_text(entry, " · ".join(word for word in words if word))
        icon = level_icon(shown_level(stored.incident))
        if _cache_key(entry.icon()) != _cache_key(icon):
            entry.setIcon(icon)

    def _show_state(self, state: ProgramState) -> None:
        now, language = self._backend.program.now(), self._backend.program.language
        self._show_text(self._headline, headline(state, language, now=now))
        self._show_text(self._last_callback, last_callback_text(state, language, now=now))
        self._show_text(self._reachability, elided(reachability_text(state, language, now=now), 100))
        self._show_text(self._tunnel, elided(tunnel_text(self._backend.program.tunnel(), language, now=now), 100))
        guesses = language.render(as_clause(first_sentence(state.secret_guesses or "")))
        self._show_text(self._secret_guesses, elided(guesses, 100))
        problems = [language.render(problem) for problem in (*tray_problems(state, now=now), *state.news)]
        for place, entry in enumerate(self._problem_entries):
            self._show_text(entry, elided(problems[place], 80) if place < len(problems) else "")
        self._show_text(self._pause, pause_entry_text(state, language, now=now))
        self._show_autostart()
        self._show_language_choice()

    def _show_autostart(self) -> None:
        enabled = self._backend.setup.autostart_enabled()
        self._autostart.setChecked(bool(enabled))
        self._autostart.setVisible(enabled is not None)

    def _set_autostart(self, enabled: bool) -> None:
        problem = self._backend.setup.set_autostart(enabled)
        self._show_autostart()
        if problem:
            self.failed.emit(problem)

    def _show_language_choice(self) -> None:
        self._language_entries[self._backend.program.language_choice].setChecked(True)

    def _choose_language(self, choice: str) -> None:
        problem = self._backend.actions.choose_language(choice)
        self._show_language_choice()
        if problem:
            self.failed.emit(problem)
        else:
            self.language_changed.emit()

    def _request_console(self, place: int) -> None:
        if place < len(self._incidents):
            self.console_requested.emit(self._incidents[place])

    def _toggle_pause(self) -> None:
        now = self._backend.program.now()
        paused = is_paused(self._backend.program.state(), now=now)
        self._backend.actions.pause_notifications(None if paused else now + PAUSE_MS)
        self._throttle.run()


def _cache_key(icon: QIcon) -> int:
    return 0 if icon.isNull() else icon.cacheKey()
