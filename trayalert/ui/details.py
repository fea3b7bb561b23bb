"""Everything about one incident, beside the table. Its rule: all text is plain and can be copied."""

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QKeyEvent, QKeySequence, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from trayalert.domain.stored import StoredAlert, StoredIncident
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.ui.icons import level_icon
from trayalert.ui.plain import PlainLabel, PlainParagraph, copy_text, show_caption, show_tooltip
from trayalert.ui.wording import (
    closed_words,
    duration_words,
    full_time,
    level_words,
    local_time,
    metric_of,
    name_of,
    resource_of,
    shown_level,
    value_words,
)

LATEST: Final = 50
SURE_MS: Final = 4000
"""A second click on "Mark recovered" within this time means it."""


class Details(QWidget):
    """Shows one incident, or says that none is chosen. Wishes go up as signals."""

    console_wanted = Signal()
    copy_wanted = Signal()
    resolve_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: StoredIncident | None = None
        self._head = _Head()
        self._open_button = QPushButton("Open in console")
        self._copy_button = QPushButton("Copy link")
        self._resolve_button = QPushButton("Mark recovered")
        self._no_link = PlainLabel("No console link is known for this resource.", wrapped=True)
        self._facts = _Facts()
        self._alerts = _TextTable(("Time", "State", "Level", "Value"), stretched=3)
        self._fields = _TextTable(("Field", "Value"), stretched=1, wrapped=True)
        self._tabs = QTabWidget()
        self._sure = QTimer(self, singleShot=True, interval=SURE_MS)
        self._lay_out()
        self._open_button.clicked.connect(self.console_wanted)
        self._copy_button.clicked.connect(self.copy_wanted)
        self._resolve_button.clicked.connect(self._resolve)
        self._sure.timeout.connect(self._forget_sure)
        self.show_nothing()

    @property
    def shown(self) -> StoredIncident | None:
        """Return the incident that is shown."""
        return self._shown

    def show_nothing(self) -> None:
        """Say that no incident is chosen."""
        self._shown = None
        self._head.show_words("No incident is selected", "Choose one in the table to see all of it.")
        for part in (self._open_button, self._copy_button, self._resolve_button, self._no_link, self._tabs):
            part.hide()

    def show_incident(
        self, stored: StoredIncident, alerts: Sequence[StoredAlert], *, linked: bool, unconfirmed: bool, now: Millis
    ) -> None:
        """Show an incident with its latest alerts; `linked`: it has a console link."""
        if self._shown is None or self._shown.incident.id != stored.incident.id:
            self._forget_sure()
        self._shown = stored
        self._head.show_incident(stored, unconfirmed=unconfirmed)
        for part in (self._open_button, self._copy_button, self._resolve_button, self._tabs):
            part.show()
        for button in (self._open_button, self._copy_button):
            button.setEnabled(linked)
        self._no_link.setVisible(not linked)
        self._resolve_button.setEnabled(stored.incident.open)
        show_tooltip(self._resolve_button, "" if stored.incident.open else "It is closed already.")
        self._facts.show_incident(stored, now=now)
        self._alerts.show_rows([_alert_row(alert, now=now) for alert in alerts])
        self._fields.show_rows(
            [(name, printable(text, limit=2000)) for name, text in stored.alert.alert.fields.items()]
        )
        more = "+" if len(alerts) == LATEST else ""
        self._tabs.setTabText(1, f"Alerts ({len(alerts)}{more})")

    def tick(self, now: Millis) -> None:
        """Let the duration run."""
        if self._shown is not None and self._shown.incident.open:
            self._facts.show_duration(self._shown, now=now)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self._open_button, 0, 0, 1, 2)
        buttons.addWidget(self._copy_button, 1, 0)
        buttons.addWidget(self._resolve_button, 1, 1)
        self._tabs.setDocumentMode(True)
        self._tabs.addTab(self._facts, "Incident")
        self._tabs.addTab(self._alerts, "Alerts")
        self._tabs.addTab(self._fields, "Raw fields")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 0, 0)
        layout.addWidget(self._head)
        layout.addLayout(buttons)
        layout.addWidget(self._no_link)
        layout.addWidget(self._tabs, 1)
        layout.addStretch()

    def _resolve(self) -> None:
        if self._shown is None:
            return
        if self._sure.isActive():
            self._forget_sure()
            self.resolve_wanted.emit(self._shown.incident.id)
        else:
            self._sure.start()
            show_caption(self._resolve_button, "Sure? Click again")

    def _forget_sure(self) -> None:
        self._sure.stop()
        show_caption(self._resolve_button, "Mark recovered")


class _Head(QWidget):
    """Picture, name, and how bad."""

    def __init__(self) -> None:
        super().__init__()
        self._picture = PlainLabel()
        self._picture.setFixedSize(32, 32)
        self._name = PlainLabel(selectable=True, wrapped=True)
        self._words = PlainLabel(selectable=True, wrapped=True)
        font = QFont(self._name.font())
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 1.15)
        self._name.setFont(font)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setHorizontalSpacing(10)
        layout.addWidget(self._picture, 0, 0, 2, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._name, 0, 1)
        layout.addWidget(self._words, 1, 1)
        layout.setColumnStretch(1, 1)

    def show_words(self, name: str, words: str) -> None:
        self._picture.hide()
        self._name.show_text(name)
        self._words.show_text(words)

    def show_incident(self, stored: StoredIncident, *, unconfirmed: bool) -> None:
        self.show_words(name_of(stored), level_words(stored, unconfirmed=unconfirmed))
        icon = level_icon(shown_level(stored.incident))
        self._picture.setPixmap(icon.pixmap(QSize(32, 32), self.devicePixelRatioF()))
        self._picture.show()


class _Facts(QScrollArea):
    """Names and values one below the other; what is absent is left out."""

    def __init__(self) -> None:
        super().__init__()
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(2, 8, 8, 8)
        self._form = QFormLayout()
        column.addLayout(self._form)
        column.addStretch(1)  # takes what is over, so that the rows keep their distance
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._form.setHorizontalSpacing(14)
        self._form.setVerticalSpacing(5)
        self._values: dict[str, PlainParagraph] = {}
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_incident(self, stored: StoredIncident, *, now: Millis) -> None:
        for name, text in _facts(stored, now=now):
            if name not in self._values:
                self._add(name)
            self._values[name].show_text(text)
            self._form.setRowVisible(self._values[name], bool(text))

    def show_duration(self, stored: StoredIncident, *, now: Millis) -> None:
        self._values["Duration"].show_text(duration_words(stored.incident, now=now))

    def _add(self, name: str) -> None:
        title, value = PlainLabel(name), PlainParagraph()
        title.setForegroundRole(QPalette.ColorRole.PlaceholderText)  # quieter than the value
        title.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        value.setAccessibleName(name)
        self._values[name] = value
        self._form.addRow(title, value)


class _TextTable(QTableWidget):
    """Rows of plain cells. Ctrl+C copies the selected cells."""

    def __init__(self, titles: tuple[str, ...], *, stretched: int, wrapped: bool = False) -> None:
        super().__init__(0, len(titles))
        self.setHorizontalHeaderLabels(list(titles))
        self.verticalHeader().hide()
        rows, line = self.verticalHeader(), self.fontMetrics().height()
        rows.setDefaultSectionSize(line + 6)
        rows.setMinimumSectionSize(line + 6)
        rows.setMaximumSectionSize(8 * line)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(wrapped)
        self.setTabKeyNavigation(False)

    def show_rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        self.setRowCount(len(rows))
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                clean = printable(text, limit=2000)
                item = self.item(row, column)
                if item is None:
                    self.setItem(row, column, QTableWidgetItem(clean))
                elif item.text() != clean:
                    item.setData(Qt.ItemDataRole.DisplayRole, clean)
        metrics = self.fontMetrics()
        for column in range(self.columnCount() - 1):
            widths = [metrics.horizontalAdvance(cells[column][:40]) for cells in rows]
            title = self.horizontalHeaderItem(column)
            widths.append(metrics.horizontalAdvance(title.text() if title else ""))
            self.setColumnWidth(column, min(max(widths) + 12, 190))
        if self.wordWrap():
            self.resizeRowsToContents()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Wrap anew."""
        super().resizeEvent(event)
        if self.wordWrap():
            self.resizeRowsToContents()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Take copying."""
        if not event.matches(QKeySequence.StandardKey.Copy):
            super().keyPressEvent(event)
            return
        lines: dict[int, list[str]] = {}
        for index in sorted(self.selectedIndexes()):
            lines.setdefault(index.row(), []).append(index.data())
        if lines:
            copy_text("\n".join("\t".join(cells) for cells in lines.values()))


def _alert_row(stored: StoredAlert, *, now: Millis) -> tuple[str, ...]:
    alert = stored.alert
    time = local_time(alert.at if alert.at is not None else stored.received_at, now=now)
    value = f"{alert.value_text or ''} {alert.unit or ''}".strip()
    state = alert.state.value.replace("INSUFFICIENT_DATA", "no data") if alert.state else alert.kind.value
    return time, f"{state}, late" if stored.late else state, alert.level.value, value


def _facts(stored: StoredIncident, *, now: Millis) -> list[tuple[str, str]]:
    incident, alert = stored.incident, stored.alert.alert
    named = alert.resource_name is not None and alert.resource_name != alert.resource_id
    title = metric_of(stored)
    return [
        ("Resource", resource_of(stored)),
        ("Resource ID", printable(alert.resource_id) if named else ""),
        ("Region", printable(alert.region)),
        ("Metric", title),
        ("Metric ID", printable(alert.metric) if alert.metric != title else ""),
        ("Rule", printable(alert.expression)),
        ("Value", value_words(stored)),
        ("Since", full_time(incident.opened_at) if incident.start_known else "unknown"),
        ("Duration", duration_words(incident, now=now)),
        ("Closed", "" if incident.open else f"{full_time(incident.closed_at)}, {closed_words(incident)}"),
        ("Worst level", incident.worst_level.value),
        ("Alerts", str(incident.alerts)),
        ("Last alert", full_time(incident.last_at)),
        ("Retries", _retries(stored.alert)),
        ("Namespace", printable(alert.namespace)),
        ("Account", printable(alert.account_id)),
        ("Group", printable(alert.group)),
        ("Rule ID", printable(alert.rule_id)),
        ("Dimensions", _lines(alert.dimensions)),
    ]


def _retries(alert: StoredAlert) -> str:
    return f"the last alert was sent {alert.deliveries} times" if alert.deliveries > 1 else ""


def _lines(pairs: Mapping[str, str]) -> str:
    return "\n".join(f"{printable(name, limit=100)} = {printable(text)}" for name, text in pairs.items())
