"""The details of one incident, shown next to the table. All text is plain text that the user can copy."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QElapsedTimer, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QMenu, QPushButton, QTabWidget, QVBoxLayout, QWidget

from trayalert.domain.incident.alert import Alert, State
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.phrase import N_
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language, state_text
from trayalert.services.presentation.alert_text import value_text
from trayalert.ui.captions import Captions, CurrentLanguage
from trayalert.ui.icons import level_icon
from trayalert.ui.incidents.incident_facts import IncidentFacts
from trayalert.ui.widgets.safe_text import SafeLabel, show_caption, show_tooltip, show_trusted_caption
from trayalert.ui.widgets.text_table import TextTable
from trayalert.ui.wording import incident_name, level_text, local_time, shown_level

MAX_ALERTS: Final = 50
MAX_FIELDS, MAX_FIELD_TEXT = 200, 8_000
"""The maximum number of fields that are shown, and the maximum number of characters in all shown fields together.

Cloud Monitor sends about 30 fields with 2,000 characters in total.
"""
CONFIRM_MS: Final = 4000
"""Milliseconds within which a second click on "Mark recovered" counts as confirmation."""


class IncidentDetails(QWidget):
    """Shows the details of one incident, or says that no incident is selected. Clicks on buttons emit signals."""

    console_requested = Signal()
    copy_requested = Signal()
    further_menu_requested = Signal(QMenu)
    """Emitted with the menu of the "More" button when that menu opens. The connected slot must fill the menu."""
    resolve_requested = Signal(int)

    def __init__(self, language: CurrentLanguage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._language = language
        self._captions = Captions(language)
        self._show_again: Callable[[], None] = self.show_nothing
        self._shown: StoredIncident | None = None
        self._header = _Header(language)
        self._open_button, self._more_button, self._copy_button = QPushButton(), QPushButton(), QPushButton()
        self._captions.bind(partial(show_trusted_caption, self._open_button), N_("Open in console"))
        self._captions.bind(partial(show_trusted_caption, self._more_button), N_("More"))
        self._captions.bind(partial(show_trusted_caption, self._copy_button), N_("Copy link"))
        self._more_button.setMenu(QMenu(self._more_button))
        self._resolve_button = QPushButton()
        self._no_link = SafeLabel(wrapped=True)
        self._captions.bind(self._no_link.show_text, N_("No console link is known for this resource."))
        self._buttons = (self._open_button, self._more_button, self._copy_button, self._resolve_button)
        self._facts = IncidentFacts(language)
        self._alerts = TextTable((N_("Time"), N_("State"), N_("Value"), N_("Sender")), language)
        self._fields = TextTable((N_("Field"), N_("Value")), language, stretched=1, wrapped=True)
        self._tabs = QTabWidget()
        self._confirm_timer = QTimer(self, singleShot=True, interval=CONFIRM_MS)
        self._since_first_click = QElapsedTimer()
        self._lay_out()
        self._open_button.clicked.connect(self.console_requested)
        self._more_button.menu().aboutToShow.connect(lambda: self.further_menu_requested.emit(self._more_button.menu()))
        self._copy_button.clicked.connect(self.copy_requested)
        self._resolve_button.clicked.connect(self._resolve)
        self._confirm_timer.timeout.connect(self._cancel_confirmation)
        self.show_nothing()

    @property
    def shown(self) -> StoredIncident | None:
        """The incident that is shown, or None."""
        return self._shown

    @property
    def confirmable(self) -> bool:
        """Whether clicking "Mark recovered" now would be accepted as the confirming second click.

        The second click must come within CONFIRM_MS after the first click. The second click of a double-click does not
        count.
        """
        pause = QGuiApplication.styleHints().mouseDoubleClickInterval()
        return self._confirm_timer.isActive() and self._since_first_click.elapsed() >= pause

    def show_nothing(self) -> None:
        """Show that no incident is selected."""
        self._shown, self._show_again = None, self.show_nothing
        language = self._language()
        self._header.show_text(
            language.say("No incident is selected"), language.say("Choose one in the table to see all of it.")
        )
        for widget in (*self._buttons, self._no_link, self._tabs):
            widget.hide()

    def show_incident(
        self,
        stored: StoredIncident,
        alerts: Sequence[StoredAlert],
        *,
        sender_text: Callable[[StoredAlert], str | None],
        linked: bool,
        unconfirmed: bool,
        now: Millis,
    ) -> None:
        """Show an incident with its latest alerts.

        `sender_text` returns a phrase that names the sender of an alert, or None if the source address is unknown.
        `linked` says whether the incident has a console link. `unconfirmed` says whether the incident's OK may have
        been lost.
        """
        self._show_again = partial(
            self.show_incident,
            stored,
            alerts,
            sender_text=sender_text,
            linked=linked,
            unconfirmed=unconfirmed,
            now=now,
        )
        language = self._language()
        if self._shown is None or self._shown.incident.id != stored.incident.id:
            self._cancel_confirmation()
        self._shown = stored
        self._header.show_incident(stored, unconfirmed=unconfirmed)
        for widget in (*self._buttons, self._tabs):
            widget.show()
        for button in (self._open_button, self._copy_button):
            button.setEnabled(linked)
        self._no_link.setVisible(not linked)
        self._resolve_button.setEnabled(stored.incident.open)
        show_tooltip(self._resolve_button, "" if stored.incident.open else language.say("It is closed already."))
        self._facts.show_incident(stored, sender=sender_text(stored.alert), now=now)
        self._alerts.show_rows([_alert_row(alert, sender_text(alert), language, now=now) for alert in alerts])
        self._fields.show_rows(_field_rows(stored.alert, language))
        title = N_("Alerts ({count}+)") if len(alerts) == MAX_ALERTS else N_("Alerts ({count})")
        self._tabs.setTabText(1, language.say(title, count=len(alerts)))

    def retranslate(self) -> None:
        """Show all texts in the current language."""
        self._captions.retranslate()
        self._show_resolve_caption()
        for table in (self._alerts, self._fields):
            table.retranslate()
        self._facts.retranslate()
        self._show_again()

    def confirm_recovered(self) -> None:
        """Ask the user to confirm, with a click on "Mark recovered", that the incident has recovered."""
        if not self._confirm_timer.isActive():
            self._resolve()
        self._resolve_button.setFocus()

    def tick(self, now: Millis) -> None:
        """Update the duration of the incident that is shown, if the incident is open."""
        if self._shown is not None and self._shown.incident.open:
            self._facts.show_duration(self._shown, now=now)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.setSpacing(6)
        first = QHBoxLayout()
        first.addWidget(self._open_button, 1)
        first.addWidget(self._more_button)
        buttons.addLayout(first, 0, 0, 1, 2)
        buttons.addWidget(self._copy_button, 1, 0)
        buttons.addWidget(self._resolve_button, 1, 1)
        self._tabs.setDocumentMode(True)
        for place, (page, title) in enumerate(
            ((self._facts, N_("Incident")), (self._alerts, N_("Alerts")), (self._fields, N_("Raw fields")))
        ):
            self._tabs.addTab(page, "")
            self._captions.bind(partial(self._tabs.setTabText, place), title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 0, 0)
        layout.addWidget(self._header)
        layout.addLayout(buttons)
        layout.addWidget(self._no_link)
        layout.addWidget(self._tabs, 1)
        layout.addStretch()
        order = (self._open_button, self._copy_button, self._resolve_button, self._more_button)
        for before, after in pairwise(order):  # the most frequent action comes first
            self.setTabOrder(before, after)

    def _resolve(self) -> None:
        if self._shown is None:
            return
        if self.confirmable:
            self._cancel_confirmation()
            self.resolve_requested.emit(self._shown.incident.id)
        elif not self._confirm_timer.isActive():
            self._since_first_click.restart()
            self._confirm_timer.start()
            self._show_resolve_caption()

    def _cancel_confirmation(self) -> None:
        self._confirm_timer.stop()
        self._show_resolve_caption()

    def _show_resolve_caption(self) -> None:
        language, confirming = self._language(), self._confirm_timer.isActive()
        show_caption(
            self._resolve_button, language.say("Sure? Click again") if confirming else language.say("Mark recovered")
        )


class _Header(QWidget):
    """The header, with the icon, the name and the level of the incident."""

    def __init__(self, language: CurrentLanguage) -> None:
        super().__init__()
        self._language = language
        self._picture = SafeLabel()
        self._picture.setFixedSize(32, 32)
        self._name = SafeLabel(selectable=True, wrapped=True, heading=1.15)
        self._text = SafeLabel(selectable=True, wrapped=True)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setHorizontalSpacing(10)
        layout.addWidget(self._picture, 0, 0, 2, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._name, 0, 1)
        layout.addWidget(self._text, 1, 1)
        layout.setColumnStretch(1, 1)

    def show_text(self, name: str, text: str) -> None:
        self._picture.hide()
        self._name.show_text(name)
        self._text.show_text(text)

    def show_incident(self, stored: StoredIncident, *, unconfirmed: bool) -> None:
        language = self._language()
        level = level_text(stored, language, unconfirmed=unconfirmed)
        self.show_text(incident_name(stored, language), level)
        self._picture.show_icon(level_icon(shown_level(stored.incident)), 32)
        self._picture.show()


def _field_rows(stored: StoredAlert, language: Language) -> list[tuple[str, str]]:
    """Return a row for each field of an alert, up to the limits MAX_FIELDS and MAX_FIELD_TEXT.

    A row is a pair of a name and a text. If fields are left out, the last row gives the number of these fields. If the
    callback is too large, the only row says that. Without the limits, an attacker could block the window with a
    callback of 30,000 fields.
    """
    fields = stored.alert.fields
    rows: list[tuple[str, str]] = []
    if stored.too_large:
        text = language.say("The callback is larger than 64 KiB: `trayalert alerts --json --raw` has all of it")
        return [("…", text)]
    left = MAX_FIELD_TEXT
    for name, value in fields.items():
        if len(rows) == MAX_FIELDS or left <= 0:
            text = language.say("{count} more: `trayalert alerts --json` has them all", count=len(fields) - len(rows))
            rows.append(("…", text))
            break
        rows.append((printable(name, limit=100), printable(value, limit=min(2000, left))))
        left -= sum(map(len, rows[-1]))
    return rows


def _alert_row(stored: StoredAlert, sender: str | None, language: Language, *, now: Millis) -> tuple[str, ...]:
    alert = stored.alert
    words = [_state_or_level_text(alert, language)]
    if stored.late:
        words.append(language.say("late"))
    return (
        local_time(alert.at if alert.at is not None else stored.received_at, now=now),
        language.say(", ").join(words),
        value_text(alert, language),
        language.render(sender or ""),
    )


def _state_or_level_text(alert: Alert, language: Language) -> str:
    """Return the word for an alert in the State column of the alert list.

    - If the alert has the state ALERT, the word is the alert's level.
    - If the alert has another state, the word is that state.
    - If the alert has no state, the word is the alert's kind.
    """
    if alert.state is None:
        return alert.kind
    return language.say(alert.level) if alert.state is State.ALERT else state_text(alert.state, language)
