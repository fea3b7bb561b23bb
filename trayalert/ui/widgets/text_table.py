"""A small table of text cells. The text in all cells is cleaned, and the user can copy it with Ctrl+C."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableWidget, QTableWidgetItem

from trayalert.domain.text import printable
from trayalert.ui.captions import CurrentLanguage
from trayalert.ui.widgets.safe_text import copy_text


class TextTable(QTableWidget):
    """A read-only table of text.

    `titles` are the titles of the columns, which are marked with `N_` and translated here. The column with the index
    `stretched` takes the remaining width. If `stretched` is None, the last column takes the remaining width, but is
    never narrower than its text. A narrow table then scrolls horizontally. If `wrapped` is true, long cells are
    wrapped, and each row is high enough for its lines, up to 8 lines.
    """

    def __init__(
        self,
        titles: tuple[str, ...],
        language: CurrentLanguage,
        *,
        stretched: int | None = None,
        wrapped: bool = False,
    ) -> None:
        super().__init__(0, len(titles))
        self._titles = titles
        self._language = language
        self.retranslate()
        self.verticalHeader().hide()
        rows, line = self.verticalHeader(), self.fontMetrics().height()
        rows.setDefaultSectionSize(line + 6)
        rows.setMinimumSectionSize(line + 6)
        rows.setMaximumSectionSize(8 * line)
        self.horizontalHeader().setHighlightSections(False)
        self._last_width = 0
        if stretched is not None:
            self.horizontalHeader().setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
        self._fitted = self.columnCount() - (0 if stretched is None else 1)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(wrapped)
        self.setTabKeyNavigation(False)

    def show_rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Replace the rows of the table. Each row is a tuple with one string per column."""
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
        for column in range(self._fitted):
            widths = [metrics.horizontalAdvance(cells[column][:60]) for cells in rows]
            title = self.horizontalHeaderItem(column)
            widths.append(metrics.horizontalAdvance(title.text() if title else ""))
            self._last_width = max(widths) + 12
            self.setColumnWidth(column, min(self._last_width, 190))
        self._widen_last()
        if self.wordWrap():
            self.resizeRowsToContents()

    def retranslate(self) -> None:
        """Show the titles in the current language. The caller must then show the rows again."""
        self.setHorizontalHeaderLabels([self._language().say(title) for title in self._titles])

    def _widen_last(self) -> None:
        last = self.columnCount() - 1
        if self._fitted > last:
            space = self.viewport().width() - sum(self.columnWidth(column) for column in range(last))
            self.setColumnWidth(last, max(self._last_width, space))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Adapt the last column and the heights of wrapped rows to the new width."""
        super().resizeEvent(event)
        self._widen_last()
        if self.wordWrap():
            self.resizeRowsToContents()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """If the key is the shortcut for Copy, copy the selected cells, with tabs between the columns."""
        if not event.matches(QKeySequence.StandardKey.Copy):
            super().keyPressEvent(event)
            return
        lines: dict[int, list[str]] = {}
        for index in sorted(self.selectedIndexes()):
            lines.setdefault(index.row(), []).append(index.data())
        if lines:
            copy_text("\n".join("\t".join(cells) for cells in lines.values()))
