"""The rows of the incident table: open incidents, the newest first, then closed ones, the last closed first.

Its rule: rows are inserted, moved and changed, never reset, so that selection and scroll position survive a flood.
Changed ids are queued and read a slice at a time, so that 5,000 at once do not block the window, and at most every
`slice_interval`, as each slice paints the whole table. A query that the log does not answer is repeated, and no row
goes meanwhile. Only another log file resets the rows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import IncidentQueries
from trayalert.ui.event_bridge import ThrottledAction
from trayalert.ui.incidents.columns import COLUMNS, Column, alignment, cell_style, cell_text
from trayalert.ui.incidents.sorted_rows import SortedRows, row_ranges
from trayalert.ui.wording import level_text

PAGE_SIZE: Final = 200
SLICE_SIZE: Final = 250
"""How many changed incidents are taken in at a time: some 10 ms."""
MAX_SINGLE_MOVES: Final = 20
MAX_CLOSED_ROWS: Final = 2000
"""Closed incidents beyond this number are dropped, unless scrolling fetched them."""

Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsTiming:
    """Milliseconds: the shortest time between two slices, and when a query that the log did not answer is repeated."""

    slice_interval: int = 200
    retry: int = 1000


class IncidentsModel(QAbstractTableModel):
    """Each row is a StoredIncident: see `incident_at`."""

    about_to_change = Signal()
    changed = Signal()
    """Emitted around each slice of changes, for a view that keeps its scroll position."""

    def __init__(
        self,
        incidents: IncidentQueries,
        *,
        language: Language,
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

    # what the view asks

    def rowCount(self, parent: Index = _ROOT) -> int:  # noqa: N802 (Qt's name)
        """Return the number of rows fetched so far."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _ROOT) -> int:  # noqa: N802 (Qt's name)
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802 (Qt's name)
        """Return a column's title."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return alignment(COLUMNS[section])
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or style."""
        if not index.isValid():
            return None
        stored, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(stored, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{column.value}: {self.text(stored, column) or 'none'}"
        return cell_style(stored, column, role)

    def canFetchMore(self, parent: Index) -> bool:  # noqa: N802 (Qt's name)
        """Return whether the log may have more closed incidents."""
        return not (parent.isValid() or self._open_only or self._exhausted)

    def fetchMore(self, parent: Index) -> None:  # noqa: N802 (Qt's name)
        """Append one page of closed incidents."""
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
        """Read all rows of another log file; the shown rows stay until it can be read."""
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

    # what the window asks

    def incident_at(self, row: int) -> StoredIncident:
        """Return the incident in that row."""
        return self._rows[row]

    def row_of(self, incident_id: int) -> int | None:
        """Return the row of that incident, None if it is not in the table."""
        return self._rows.row_of(incident_id)

    def text(self, stored: StoredIncident, column: Column) -> str:
        """Return the text of a cell."""
        if column is Column.LEVEL:
            unconfirmed = stored.incident.open and self._incidents.unconfirmed(stored)
            return level_text(stored, self.language, unconfirmed=unconfirmed)
        return cell_text(stored, column, self.language, now=self._now())

    def show_open_only(self, enabled: bool) -> None:
        """Leave out closed incidents, or fetch their first page again."""
        if enabled == self._open_only:
            return
        self._open_only = enabled
        if enabled:
            self._remove(range(self._rows.open_count, len(self._rows)))
            self._exhausted, self._fetched_closed = False, 0
        else:
            self.fetchMore(_ROOT)

    def tick(self) -> None:
        """Update the durations of open incidents."""
        if self._rows.open_count:
            column = COLUMNS.index(Column.DURATION)
            self.dataChanged.emit(self.index(0, column), self.index(self._rows.open_count - 1, column))

    def refresh_texts(self) -> None:
        """Update all texts: midnight passed, or an incident became unconfirmed."""
        if len(self._rows):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(COLUMNS) - 1))

    # what the log announces

    @property
    def settled(self) -> bool:
        """Return whether all queued changes are in the table."""
        return not self._queue and not self._stale

    def queue_changes(self, ids: Iterable[int]) -> None:
        """Queue incidents that changed; without a flood they are taken in at once."""
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
        """Return whether the table leaves an incident out, or shows it later with a page of closed ones."""
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
            if target in {source, source + 1}:  # Qt refuses a move onto itself
                self._rows.move(stored)
            else:
                self.beginMoveRows(_ROOT, source, source, _ROOT, target)
                self._rows.move(stored)
                self.endMoveRows()
            row = self.row_of(stored.incident.id) or 0
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def _rearrange(self, changed: list[StoredIncident]) -> None:
        """Move many rows in one go; selection and current row go along."""
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
        """Insert rows, adjacent ones in one go."""
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
