"""The model of the incident table: open incidents, newest first, and then closed incidents, most recently closed first.

When incidents change, only their rows are inserted, moved or updated. The user's selection and scroll position
therefore stay. Only `reload` resets the model. The UI calls `reload` for a new log file and during a reparse.

The ids of changed incidents are queued, and the incidents are read and shown in slices. Between two slices, Qt handles
other events, so that 5,000 simultaneous changes do not block the window. The slices of a long queue follow one another
without a pause. Each slice repaints the whole table. After the queue has become empty, the next slice is therefore
shown at least `slice_interval` later.

If the log cannot be read, the query is repeated later, and until then no row is removed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.times import Millis
from trayalert.ui.backend import IncidentQueries
from trayalert.ui.captions import CurrentLanguage
from trayalert.ui.event_bridge import ThrottledAction
from trayalert.ui.incidents.columns import COLUMNS, Column, alignment, cell_style, cell_text
from trayalert.ui.incidents.sorted_rows import SortedRows, row_ranges
from trayalert.ui.wording import level_text

PAGE_SIZE: Final = 200
SLICE_SIZE: Final = 250
"""Maximum number of changed incidents in a slice. Applying a full slice takes about 10 ms."""
MAX_SINGLE_MOVES: Final = 20
MAX_CLOSED_ROWS: Final = 2000
"""Number of closed incidents that the table keeps. Incidents that scrolling has fetched are kept, too."""

Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsTiming:
    """The model's intervals in milliseconds."""

    slice_interval: int = 200
    """Minimum time between a slice that empties the queue and the next slice.

    A slice is a batch of at most SLICE_SIZE changed incidents.
    """
    retry: int = 1000
    """Time between a failed query of the log and its repetition."""


class IncidentsModel(QAbstractTableModel):
    """The model of the incident table. Each row is a StoredIncident, which `incident_at` returns."""

    about_to_change = Signal()
    """Emitted before a slice of changes is applied, so that a view can save its scroll position."""
    changed = Signal()
    """Emitted after a slice of changes has been applied, so that a view can restore its scroll position."""

    def __init__(
        self,
        incidents: IncidentQueries,
        *,
        language: CurrentLanguage,
        now: Callable[[], Millis],
        parent: QObject | None = None,
        timing: IncidentsTiming = IncidentsTiming(),
    ) -> None:
        super().__init__(parent)
        self._incidents = incidents
        self.language = language
        self._now = now
        self._timing = timing
        self._rows = SortedRows([])
        self._open_only = False
        self._exhausted = False
        self._fetched_closed = 0
        self._queue: dict[int, None] = {}
        self._throttle = ThrottledAction(self, timing.slice_interval, self._take_slice)
        self._stale = True
        self._retry_timer = QTimer(self, singleShot=True)
        self._retry_timer.timeout.connect(self._retry)
        self.reload()

    # called by the view

    def rowCount(self, parent: Index = _ROOT) -> int:  # noqa: N802 (Qt's name)
        """Return the number of rows fetched so far."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _ROOT) -> int:  # noqa: N802 (Qt's name)
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802 (Qt's name)
        """Return the title or the alignment of a column, depending on `role`."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.language().say(COLUMNS[section].value)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return alignment(COLUMNS[section])
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or a part of its style, depending on `role`."""
        if not index.isValid():
            return None
        stored, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(stored, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            language = self.language()
            text = self.text(stored, column) or language.say("none")
            return language.say("{column}: {text}", column=language.say(column.value), text=text)
        return cell_style(stored, column, role)

    def canFetchMore(self, parent: Index) -> bool:  # noqa: N802 (Qt's name)
        """Return whether the log may contain more closed incidents to show."""
        return not (parent.isValid() or self._open_only or self._exhausted)

    def fetchMore(self, parent: Index) -> None:  # noqa: N802 (Qt's name)
        """Fetch one page of closed incidents and append it to the table. If the log cannot be read, retry later."""
        if not self.canFetchMore(parent):
            return
        page = self._incidents.closed(before=self._rows.last_closed, limit=PAGE_SIZE)
        if page is None:
            self._retry_timer.start(self._timing.retry)
            return
        self._exhausted = len(page) < PAGE_SIZE
        fresh = [stored for stored in page if self.row_of(stored.incident.id) is None]
        self._insert(fresh)
        self._fetched_closed = self._rows.closed_count

    def reload(self) -> None:
        """Replace all rows by the open incidents and the first page of closed incidents in the log.

        If the log cannot be read, the old rows stay in the table, and the model repeats the query later.
        """
        open_ones = self._incidents.open()
        self._stale = open_ones is None
        if open_ones is None:
            self._retry_timer.start(self._timing.retry)
            return
        self.beginResetModel()
        self._rows = SortedRows(open_ones)
        self._exhausted, self._fetched_closed = False, 0
        self.endResetModel()
        self.fetchMore(_ROOT)

    def _retry(self) -> None:
        if self._stale:
            self.reload()
        else:
            self.fetchMore(_ROOT)

    # called by the window

    def incident_at(self, row: int) -> StoredIncident:
        """Return the incident in a row."""
        return self._rows[row]

    def row_of(self, incident_id: int) -> int | None:
        """Return the row of an incident, or None if the incident is not in the table."""
        return self._rows.row_of(incident_id)

    def text(self, stored: StoredIncident, column: Column) -> str:
        """Return the text of an incident's cell in the given column."""
        if column is Column.LEVEL:
            unconfirmed = stored.incident.open and self._incidents.unconfirmed(stored)
            return level_text(stored, self.language(), unconfirmed=unconfirmed)
        return cell_text(stored, column, self.language(), now=self._now())

    def show_open_only(self, enabled: bool) -> None:
        """Show only open incidents if `enabled` is true. Show open and closed incidents if `enabled` is false."""
        if enabled == self._open_only:
            return
        self._open_only = enabled
        if enabled:
            self._remove(range(self._rows.open_count, len(self._rows)))
            self._exhausted, self._fetched_closed = False, 0
        else:
            self.fetchMore(_ROOT)

    def tick(self) -> None:
        """Make the views update the durations of open incidents."""
        if self._rows.open_count:
            column = COLUMNS.index(Column.DURATION)
            self.dataChanged.emit(self.index(0, column), self.index(self._rows.open_count - 1, column))

    def refresh_texts(self) -> None:
        """Make the views update all cells, because some texts depend on the current time."""
        if len(self._rows):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(COLUMNS) - 1))

    def retranslate(self) -> None:
        """Make the views show all titles and cells in the current language."""
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)
        self.refresh_texts()

    # changes in the log

    @property
    def settled(self) -> bool:
        """Whether the table is up to date: no changes are queued, and no reload is pending."""
        return not self._queue and not self._stale

    def queue_changes(self, ids: Iterable[int]) -> None:
        """Queue the ids of changed incidents.

        The incidents are read and shown now, but at least `slice_interval` after the previous slice.
        """
        self._queue.update(dict.fromkeys(ids))
        if self._queue:
            self._throttle.request()

    def _take_slice(self) -> None:
        ids = list(self._queue)[:SLICE_SIZE]
        found = self._incidents.by_ids(ids)
        if found is None:
            self._throttle.start(self._timing.retry)
            return
        for incident_id in ids:
            del self._queue[incident_id]
        self.about_to_change.emit()
        self._apply(ids, found)
        self.changed.emit()
        self._throttle.since_run.restart()
        if self._queue:
            self._throttle.start(0)

    def _apply(self, ids: list[int], found: Sequence[StoredIncident]) -> None:
        shown = {stored.incident.id: stored for stored in found if not self._is_left_out(stored)}
        removed = [
            row for incident_id in ids if incident_id not in shown and (row := self.row_of(incident_id)) is not None
        ]
        for rows in reversed(list(row_ranges(sorted(removed)))):
            self._remove(rows)
        present = [stored for stored in shown.values() if self.row_of(stored.incident.id) is not None]
        self._update([stored for stored in present if self._rows.keeps_row(stored)])
        self._move([stored for stored in present if not self._rows.keeps_row(stored)])
        self._insert([stored for stored in shown.values() if self.row_of(stored.incident.id) is None])
        self._trim()

    def _is_left_out(self, stored: StoredIncident) -> bool:
        """Return whether a changed incident must be left out of the table.

        An open incident is never left out. A closed incident is left out in two cases:

        - The table shows only open incidents.
        - The incident belongs to a page that has not been fetched yet.
        """
        if stored.incident.open:
            return False
        return self._open_only or (not self._exhausted and self._rows.belongs_last(stored))

    def _update(self, changed: list[StoredIncident]) -> None:
        for stored in changed:
            self._rows.replace(stored)
        rows = sorted(row for stored in changed if (row := self.row_of(stored.incident.id)) is not None)
        for row_range in row_ranges(rows):
            self.dataChanged.emit(self.index(row_range.start, 0), self.index(row_range.stop - 1, len(COLUMNS) - 1))

    def _move(self, changed: list[StoredIncident]) -> None:
        if len(changed) > MAX_SINGLE_MOVES:
            self._rearrange(changed)
            return
        for stored in changed:
            source = self.row_of(stored.incident.id)
            if source is None:
                continue
            target = self._rows.insertion_row(stored)
            if target in {source, source + 1}:  # Qt refuses to move a row to its current position
                self._rows.move(stored)
            else:
                self.beginMoveRows(_ROOT, source, source, _ROOT, target)
                self._rows.move(stored)
                self.endMoveRows()
            row = self.row_of(stored.incident.id) or 0
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def _rearrange(self, changed: list[StoredIncident]) -> None:
        """Move many rows in one layout change. The same incidents stay selected and current."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        ids = [self._rows[index.row()].incident.id for index in before]
        for stored in changed:
            self._rows.move(stored)
        after = [
            self.index(row, index.column()) if (row := self.row_of(incident_id)) is not None else QModelIndex()
            for index, incident_id in zip(before, ids, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _insert(self, fresh: list[StoredIncident]) -> None:
        """Insert incidents into the table. Each group of adjacent rows is inserted in one step."""
        for row, group in self._rows.insertion_groups(fresh):
            self.beginInsertRows(_ROOT, row, row + len(group) - 1)
            self._rows.insert(row, group)
            self.endInsertRows()

    def _remove(self, rows: range) -> None:
        if rows:
            self.beginRemoveRows(_ROOT, rows.start, rows.stop - 1)
            self._rows.remove(rows)
            self.endRemoveRows()

    def _trim(self) -> None:
        limit = max(MAX_CLOSED_ROWS, self._fetched_closed) + PAGE_SIZE
        if self._rows.closed_count > limit:
            self._remove(range(self._rows.open_count + limit - PAGE_SIZE, len(self._rows)))
            self._exhausted = False
