"""The main window: a live table of incidents, with the details of the selected incident next to it.

Closing the window hides the window, and never ends the program. If there is neither a tray nor an overlay, closing only
minimises the window, because the user could not bring back a hidden window.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QByteArray, QEvent, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.wording.language import Language
from trayalert.ui.appearance import fit_to_screen
from trayalert.ui.backend import Backend
from trayalert.ui.icons import TrayIconState, tray_icon
from trayalert.ui.incidents.incident_details import MAX_ALERTS, IncidentDetails
from trayalert.ui.incidents.incident_menu import IncidentMenu, open_console
from trayalert.ui.incidents.incident_table import IncidentTable
from trayalert.ui.incidents.incidents_model import IncidentsModel
from trayalert.ui.status_line import EmptyView, StatusLine
from trayalert.ui.widgets.safe_text import copy_text

TICK_MS: Final = 1000
_RECENT_GAPS: Final = 50
"""Number of gaps among which the status line finds one that was announced."""


class Window(QMainWindow):
    """The main window, with the status line, the incident table and the details.

    `may_hide()` returns whether closing may hide the window. Callers show messages with the methods of `status`, and
    report changed incidents with `incidents.queue_changes`.
    """

    setup_requested = Signal()
    gaps_requested = Signal()
    help_requested = Signal(str)
    """Emitted with the topic of a help page."""
    advice_dismissed = Signal()

    def __init__(self, backend: Backend, *, may_hide: Callable[[], bool]) -> None:
        super().__init__()
        self._backend = backend
        self._may_hide = may_hide
        self._probe_requested = False
        self._geometry = QByteArray()
        self.incidents = IncidentsModel(
            backend.incidents, language=self._language, now=backend.program.now, parent=self
        )
        self._table = IncidentTable(self.incidents)
        self.status = StatusLine(self._language)
        self._empty = EmptyView(backend.setup, self._language)
        self._stack = QStackedWidget()
        self._details = IncidentDetails(self._language)
        self._menu = QMenu(self)
        self._incident_menu = IncidentMenu(backend.incidents, backend.actions, self._language, self._show_result)
        self._ticker = QTimer(self, interval=TICK_MS)
        self._ticker.timeout.connect(self._tick)
        self.setWindowTitle("trayalert")
        self._lay_out()
        self._connect()
        self.refresh()
        if self.incidents.rowCount():
            self._table.show_row(0)
        self._table.setFocus()  # if the check box above the table had the focus, Enter would open no incident

    @property
    def ticking(self) -> bool:
        """Whether the window currently updates its durations every second."""
        return self._ticker.isActive()

    # called by MainUi

    def bring_up(self, incident_id: int | None = None) -> None:
        """Show the window above all other windows. If the table contains the given incident, select it."""
        if self._geometry and not self.isVisible():
            self.restoreGeometry(self._geometry)
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        row = None if incident_id is None else self.incidents.row_of(incident_id)
        if row is not None:
            self._table.show_row(row)
            self._table.setFocus()

    def refresh(self) -> None:
        """Show the backend's current state in the status line, the empty view and the window's icon."""
        state, now = self._backend.program.state(), self._backend.program.now()
        icon = tray_icon(TrayIconState.of(state, now=now))
        if icon.cacheKey() != self.windowIcon().cacheKey():
            self.setWindowIcon(icon)
        gaps = self._backend.incidents.gaps(limit=_RECENT_GAPS) or ()
        self.status.show_state(state, now=now, icon=icon, gaps=gaps)
        self._empty.show_state(state, now=now)
        self._update_empty_view()

    def show_probe_result(self) -> None:
        """If the user has started a probe in this window, show the result of the probe."""
        if self._probe_requested:
            self._probe_requested = False
            self.status.show_reachability(self._backend.program.state(), now=self._backend.program.now())

    def retranslate(self) -> None:
        """Show all texts in the current language."""
        self.status.retranslate()
        self._empty.retranslate()
        self.incidents.retranslate()
        self._table.retranslate()
        self._details.retranslate()
        self._details.tick(self._backend.program.now())
        self._incident_menu.retranslate()
        self.refresh()

    def _language(self) -> Language:
        return self._backend.program.language

    def refresh_texts(self) -> None:
        """Update everything in the table that depends on the clock. Called once a minute."""
        if self.isVisible():
            self.incidents.refresh_texts()

    # layout and signals

    def _lay_out(self) -> None:
        self._stack.addWidget(self._table)
        self._stack.addWidget(self._empty)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self._stack)
        splitter.addWidget(self._details)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 0)
        splitter.setCollapsible(0, False)
        self._details.setMinimumWidth(240)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setSpacing(8)
        layout.addWidget(self.status)
        layout.addWidget(splitter, 1)
        self.setCentralWidget(body)
        fit_to_screen(self, 1400, 760, spare=(16, 50))
        details_width = 400 if self.width() > 1300 else 300
        splitter.setSizes([self.width() - 20 - details_width, details_width])

    def _connect(self) -> None:
        self._table.chosen.connect(self._open_row)
        self._table.menu_requested.connect(self._show_menu)
        self._table.current_row_changed.connect(self._show_details)
        self.incidents.changed.connect(self._after_change)
        self.incidents.rowsInserted.connect(self._after_change)
        self.incidents.modelReset.connect(self._after_reset)
        self.status.open_only.toggled.connect(self._show_open_only)
        self._details.console_requested.connect(self._open_shown)
        self._details.copy_requested.connect(self._copy_link)
        self._details.further_menu_requested.connect(self._fill_further_menu)
        self._details.resolve_requested.connect(self._resolve)
        self.status.advice_dismissed.connect(self.advice_dismissed)
        self.status.news_dismissed.connect(partial(self._refresh_after, self._backend.actions.dismiss_news))
        self.status.url_copy_requested.connect(self._copy_url)
        self.status.url_accepted.connect(partial(self._refresh_after, self._backend.setup.accept_url))
        self.status.add_action(N_("Check &now"), self._probe)
        self.status.add_action(N_("&Gaps…"), self.gaps_requested.emit)
        self.status.add_action(N_("&Set up reach…"), self.setup_requested.emit)
        self.status.add_action(N_("&Copy callback URL"), self._copy_url)
        self.status.help_requested.connect(partial(self.help_requested.emit, "start"))
        self._empty.setup_requested.connect(self.setup_requested)
        QShortcut(QKeySequence("F1"), self).activated.connect(partial(self.help_requested.emit, "incidents"))
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self).activated.connect(self.close)

    # actions of the user

    def _show_result(self, problem: str | None, done: str) -> None:
        self.status.show_problem(problem or "")
        self.status.show_message("" if problem else done)

    def _open_row(self, index: QModelIndex) -> None:
        self._open(self.incidents.incident_at(index.row()))

    def _open_shown(self) -> None:
        if self._details.shown is not None:
            self._open(self._details.shown)

    def _open(self, stored: StoredIncident) -> None:
        problem = open_console(self._backend.incidents, self._backend.actions, stored)
        self.status.show_message(problem or Phrase("The console is opened in the browser."))

    def _copy_link(self) -> None:
        if self._details.shown is not None:
            self._incident_menu.copy_link(self._details.shown)

    def _show_menu(self, index: QModelIndex, place: QPoint) -> None:
        stored = self.incidents.incident_at(index.row())
        self._incident_menu.fill(self._menu, stored, confirm_recovered=self._confirm_recovered)
        self._menu.popup(place)

    def _fill_further_menu(self, menu: QMenu) -> None:
        if self._details.shown is not None:
            self._incident_menu.fill_further(menu, self._details.shown)

    def _confirm_recovered(self, incident_id: int) -> None:
        """Select the incident and ask for confirmation in the details.

        A single accidental click must not close an incident.
        """
        self.bring_up(incident_id)
        if self._details.shown is not None and self._details.shown.incident.id == incident_id:
            self._details.confirm_recovered()

    def _resolve(self, incident_id: int) -> None:
        self.status.show_problem("")
        self._backend.actions.resolve(incident_id)

    def _probe(self) -> None:
        self._probe_requested = True
        self._backend.setup.probe()
        self.status.show_message(Phrase("Checking…"))

    def _copy_url(self) -> None:
        copy_text(self._backend.setup.callback_url())
        self.status.show_message(Phrase("The callback URL is copied. It holds a secret: treat it like a password."))

    def _refresh_after(self, request: Callable[[], None]) -> None:
        request()
        self.refresh()

    def _show_open_only(self, enabled: bool) -> None:
        self.incidents.show_open_only(enabled)
        self._after_change()

    # changes of the model and the selection

    def _after_change(self) -> None:
        self._update_empty_view()
        self._show_details()

    def _after_reset(self) -> None:
        if self.incidents.rowCount():
            self._table.show_row(0)
        self._after_change()

    def _update_empty_view(self) -> None:
        was_empty, empty = self._stack.currentWidget() is self._empty, not self.incidents.rowCount()
        self._stack.setCurrentIndex(1 if empty else 0)
        self._details.setVisible(not empty)
        if was_empty and not empty:  # select the first row, as `__init__` does if there are rows
            self._table.show_row(0)
            self._table.setFocus()

    def _show_details(self) -> None:
        index = self._table.currentIndex()
        if not index.isValid():
            self._details.show_nothing()
            return
        stored = self.incidents.incident_at(index.row())
        if stored is self._details.shown:
            return
        self._details.show_incident(
            stored,
            self._backend.incidents.alerts_of(stored.incident.id, limit=MAX_ALERTS),
            sender_text=self._backend.incidents.sender_text,
            linked=bool(self._backend.incidents.console_links(stored)),
            unconfirmed=stored.incident.open and self._backend.incidents.unconfirmed(stored),
            now=self._backend.program.now(),
        )

    def _tick(self) -> None:
        self.incidents.tick()
        self._details.tick(self._backend.program.now())

    def _update_ticker(self) -> None:
        if self.isVisible() and not self.isMinimized():
            if not self._ticker.isActive():
                self._ticker.start()
        else:
            self._ticker.stop()

    # Qt's event handlers

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Show the current state, and start to update durations every second."""
        super().showEvent(event)
        self.refresh()
        self._update_ticker()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """Stop updating durations."""
        super().hideEvent(event)
        self._update_ticker()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Stop updating durations while the window is minimised."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._update_ticker()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """Hide the window, or minimise the window if there is neither a tray nor an overlay."""
        event.ignore()
        self._geometry = self.saveGeometry()
        if self._may_hide():
            self.hide()
        else:
            self.showMinimized()
