"""The view of the incident table, which handles keys and column widths.

If the user has scrolled down, the visible rows stay in place when rows are inserted above.
"""

from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from trayalert.domain.incident.level import Level
from trayalert.domain.phrase import N_
from trayalert.domain.wording.language import localised_duration
from trayalert.ui.appearance import bold
from trayalert.ui.captions import Captions
from trayalert.ui.incidents.columns import COLUMNS, Column
from trayalert.ui.incidents.incidents_model import IncidentsModel, Index
from trayalert.ui.widgets.safe_text import copy_text

_SAMPLES: Final = {
    # Each column must be wide enough for its sample in the current font, and for its title. The Name column takes the
    # remaining width.
    Column.SINCE: "12-28 23:58",
    Column.RESOURCE: "web-01 · /dev/vda1",
    Column.VALUE: "12 000 000/s",
    Column.REGION: "cn-hangzhou",
}
_LONG_DURATION: Final = 86_340_000
_HIDDEN_FIRST: Final = (Column.REGION, Column.COUNT, Column.METRIC, Column.DURATION)
_SHORT_NAME: Final = "ECS CPU usage is too high"
"""An incident name that must fit into the Name column.

If the window is too narrow for this name, some of the columns in `_HIDDEN_FIRST` are hidden.
"""


class IncidentTable(QTableView):
    """A table in which the user selects whole rows.

    Enter or a double click on a row emits `chosen`. A right click, the Menu key or Shift+F10 emits `menu_requested`.
    Ctrl+C copies the selected rows.
    """

    chosen = Signal(QModelIndex)
    menu_requested = Signal(QModelIndex, QPoint)
    """Emitted with a row, and with the screen position at which the row's menu must open."""
    current_row_changed = Signal()
    """Emitted when another row has become the current row."""

    def __init__(self, model: IncidentsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._incidents = model
        self._anchor: QPersistentModelIndex | None = None
        self._captions = Captions(model.language)
        self._captions.bind(self.setAccessibleName, N_("Incidents"))
        self.setModel(model)
        self.setItemDelegate(_RowDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)  # Tab moves the focus to the next widget
        self.setIconSize(QSize(16, 16))
        self._lay_out_columns()
        self.doubleClicked.connect(self.chosen)
        model.about_to_change.connect(self._save_scroll_position)
        model.changed.connect(self._restore_scroll_position)

    def retranslate(self) -> None:
        """Show all texts in the current language, and make the columns wide enough for these texts."""
        self._captions.retranslate()
        self._lay_out_columns()

    def show_row(self, row: int) -> None:
        """Select a row and scroll to it."""
        self.selectRow(row)
        self.scrollTo(self._incidents.index(row, 0))

    def copy_selected(self) -> None:
        """Copy the selected rows to the clipboard as text, with tabs between the cells."""
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        incidents = [self._incidents.incident_at(row) for row in rows]
        lines = ["\t".join(self._incidents.text(stored, column) for column in COLUMNS) for stored in incidents]
        if lines:
            copy_text("\n".join(lines))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Choose the current row, copy the selected rows, or request the menu, depending on the key."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selected()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if self.currentIndex().isValid():
                self.chosen.emit(self.currentIndex())
        elif event.key() == Qt.Key.Key_Menu or (
            event.key() == Qt.Key.Key_F10 and event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        ):
            self._request_menu()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 (Qt's name)
        """Request the menu for the row under the mouse, or for the current row if a key requested the menu."""
        index = self.indexAt(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self._request_menu()
        elif index.isValid():
            self.menu_requested.emit(index, event.globalPos())

    def _request_menu(self) -> None:
        current = self.currentIndex()
        if current.isValid():
            self.scrollTo(current)
            self.menu_requested.emit(current, self.viewport().mapToGlobal(self.visualRect(current).bottomLeft()))

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802 (Qt's name)
        """Emit `current_row_changed` when another row has become the current row."""
        super().currentChanged(current, previous)
        self.current_row_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Hide or show columns so that they fit the new width."""
        super().resizeEvent(event)
        self._fit_columns()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Set the column widths again if the font has changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._lay_out_columns()

    def _lay_out_columns(self) -> None:
        metrics, language = self.fontMetrics(), self._incidents.language()
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(max(metrics.height(), 16) + 8)
        header.setHighlightSections(False)
        header.setSectionsMovable(True)
        header.setMinimumSectionSize(40)
        for place, column in enumerate(COLUMNS):
            if column is Column.NAME:
                header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
            elif column is not Column.LEVEL:
                texts = [language.say(column.value), _SAMPLES.get(column, "")]
                if column is Column.DURATION:
                    texts.append(localised_duration(_LONG_DURATION, language))
                self.setColumnWidth(place, max(map(metrics.horizontalAdvance, texts)) + 12)
        self._fit_columns()

    def _fit_columns(self) -> None:
        kept = [
            place for place, column in enumerate(COLUMNS) if column not in {*_HIDDEN_FIRST, Column.NAME, Column.LEVEL}
        ]
        narrow, wide = self._level_widths()
        spare = self.viewport().width() - self.fontMetrics().horizontalAdvance(_SHORT_NAME)
        spare -= narrow + sum(self.columnWidth(place) for place in kept)
        for column in reversed(_HIDDEN_FIRST):
            place = COLUMNS.index(column)
            self.showColumn(place)  # a hidden column would report a width of 0
            spare -= self.columnWidth(place)
            self.setColumnHidden(place, spare < 0)
        level = COLUMNS.index(Column.LEVEL)
        # names take precedence: the Level column is wide only if there is room for twice the short name
        enough = wide - narrow + self.fontMetrics().horizontalAdvance(_SHORT_NAME)
        self.setColumnWidth(level, wide if spare >= enough else narrow)

    def _level_widths(self) -> tuple[int, int]:
        """Return the width in pixels that a Level cell needs for an icon and a text such as `CRITICAL, uncon`.

        The second number is the width for the whole text `CRITICAL, unconfirmed`.
        """
        language, metrics = self._incidents.language(), QFontMetrics(bold(self.font()))
        level, unconfirmed = language.say(Level.CRITICAL), language.say("unconfirmed")
        short, long = (language.say(", ").join((level, word)) for word in (unconfirmed[:5], unconfirmed))
        return metrics.horizontalAdvance(short) + 30, metrics.horizontalAdvance(long) + 30

    def _save_scroll_position(self) -> None:
        scrolled = self.verticalScrollBar().value() > 0
        top = self.indexAt(self.viewport().rect().topLeft())
        self._anchor = QPersistentModelIndex(top) if scrolled and top.isValid() else None

    def _restore_scroll_position(self) -> None:
        if self._anchor is not None and self._anchor.isValid():
            self.updateGeometries()  # without this call, the scroll bar still has its old range
            self.scrollTo(self._incidents.index(self._anchor.row(), 0), QAbstractItemView.ScrollHint.PositionAtTop)
        self._anchor = None


class _RowDelegate(QStyledItemDelegate):
    """Draws cells without a focus frame, and draws all text in a row on the same baseline.

    By default, Qt draws Chinese text lower than Latin text.
    """

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        self.initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus
        style = option.widget.style()
        box = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, option.widget)
        text, option.text = option.text, ""
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, option, option.widget) + 1
        box.adjust(margin, 0, -margin, 0)
        metrics = option.fontMetrics
        shown = metrics.elidedText(text, option.textElideMode, box.width())
        right = bool(option.displayAlignment & Qt.AlignmentFlag.AlignRight)
        left = box.right() + 1 - metrics.horizontalAdvance(shown) if right else box.left()
        base = box.top() + (box.height() + metrics.ascent() - metrics.descent()) // 2
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        active = (
            QPalette.ColorGroup.Active if option.state & QStyle.StateFlag.State_Active else QPalette.ColorGroup.Inactive
        )
        painter.save()
        painter.setFont(option.font)
        painter.setPen(
            option.palette.color(active, QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text)
        )
        painter.drawText(left, base, shown)
        painter.restore()
