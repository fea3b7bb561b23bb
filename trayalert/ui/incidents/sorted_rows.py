"""The incidents in the table, as a list that is always sorted. The module does not use Qt."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from trayalert.domain.incident.stored_alert import StoredIncident

SortKey = tuple[int, int, int]


def sort_key(stored: StoredIncident) -> SortKey:
    """Return the sort key of an incident.

    Open incidents come before closed incidents. Open incidents are sorted by their start, and closed incidents by their
    end, both in descending order.
    """
    incident = stored.incident
    if incident.closed_at is None:
        return 0, -incident.opened_at, -incident.id
    return 1, -incident.closed_at, -incident.id


def row_ranges(rows: Iterable[int]) -> Iterator[range]:
    """Group sorted row numbers into ranges of adjacent rows, and yield these ranges."""
    start = stop = None
    for row in rows:
        if start is None or row != stop:
            if start is not None and stop is not None:
                yield range(start, stop)
            start = row
        stop = row + 1
    if start is not None and stop is not None:
        yield range(start, stop)


class SortedRows:
    """A list of incidents without duplicates, which is always sorted by `sort_key`."""

    def __init__(self, incidents: Sequence[StoredIncident]) -> None:
        self._rows = sorted(incidents, key=sort_key)
        self._keys = [sort_key(stored) for stored in self._rows]
        self._key_by_id = {stored.incident.id: sort_key(stored) for stored in self._rows}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> StoredIncident:
        return self._rows[row]

    @property
    def open_count(self) -> int:
        """Number of open incidents, which come before the closed incidents."""
        return bisect_left(self._keys, (1,))

    @property
    def closed_count(self) -> int:
        """Number of closed incidents."""
        return len(self._rows) - self.open_count

    @property
    def last_closed(self) -> StoredIncident | None:
        """The incident in the list that was closed longest ago, or None if the list contains no closed incidents."""
        return self._rows[-1] if self.closed_count else None

    def row_of(self, incident_id: int) -> int | None:
        """Return the row of an incident, or None if the incident is not in the list."""
        key = self._key_by_id.get(incident_id)
        return None if key is None else bisect_left(self._keys, key)

    def insertion_row(self, stored: StoredIncident) -> int:
        """Return the row before which an incident must be inserted to keep the list sorted."""
        return bisect_left(self._keys, sort_key(stored))

    def keeps_row(self, stored: StoredIncident) -> bool:
        """Return whether a listed incident stays in the same row after it is updated to `stored`."""
        return self._key_by_id.get(stored.incident.id) == sort_key(stored)

    def replace(self, stored: StoredIncident) -> None:
        """Replace a listed incident with its new state `stored`, for which `keeps_row` must return True."""
        self._rows[bisect_left(self._keys, sort_key(stored))] = stored

    def move(self, stored: StoredIncident) -> None:
        """Replace a listed incident with its new state `stored` and move the incident to its new row."""
        row = bisect_left(self._keys, self._key_by_id[stored.incident.id])
        self.remove(range(row, row + 1))
        self.insert(self.insertion_row(stored), [stored])

    def insert(self, row: int, group: list[StoredIncident]) -> None:
        """Insert sorted incidents before a row, which must be the `insertion_row` of each of these incidents."""
        keys = [sort_key(stored) for stored in group]
        self._rows[row:row] = group
        self._keys[row:row] = keys
        self._key_by_id.update(zip((stored.incident.id for stored in group), keys, strict=True))

    def remove(self, rows: range) -> None:
        """Remove a range of rows."""
        for stored in self._rows[rows.start : rows.stop]:
            del self._key_by_id[stored.incident.id]
        del self._rows[rows.start : rows.stop]
        del self._keys[rows.start : rows.stop]

    def belongs_last(self, stored: StoredIncident) -> bool:
        """Return whether an incident is closed and belongs after the last row.

        Closed incidents that have not been fetched yet may belong between the last row and this incident.
        """
        return not stored.incident.open and self.insertion_row(stored) == len(self._rows)

    def insertion_groups(self, fresh: list[StoredIncident]) -> list[tuple[int, list[StoredIncident]]]:
        """Return pairs of a row and a sorted group of new incidents that must be inserted before this row.

        The pairs are in descending order of their rows. The insertion of a group therefore does not shift the rows of
        the groups that follow in the list.
        """
        groups: dict[int, list[StoredIncident]] = {}
        for stored in sorted(fresh, key=sort_key):
            groups.setdefault(self.insertion_row(stored), []).append(stored)
        return sorted(groups.items(), key=lambda item: item[0], reverse=True)
