"""Incidents in the order of the table. Its rule: it is always sorted, and a row is found without a search. No Qt."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from trayalert.domain.incident.stored import StoredIncident

Rank = tuple[int, int, int]


def rank(stored: StoredIncident) -> Rank:
    """Return what sorts it: open ones by their start, then closed ones by their end, newest first."""
    incident = stored.incident
    if incident.closed_at is None:
        return 0, -incident.opened_at, -incident.id
    return 1, -incident.closed_at, -incident.id


def runs(rows: Iterable[int]) -> Iterator[range]:
    """Join sorted rows that lie side by side."""
    start = stop = None
    for row in rows:
        if start is None or row != stop:
            if start is not None and stop is not None:
                yield range(start, stop)
            start = row
        stop = row + 1
    if start is not None and stop is not None:
        yield range(start, stop)


class Ranked:
    """A sorted list of incidents with no id twice."""

    def __init__(self, incidents: Sequence[StoredIncident]) -> None:
        self._rows = sorted(incidents, key=rank)
        self._ranks = [rank(stored) for stored in self._rows]
        self._rank_of = {stored.incident.id: rank(stored) for stored in self._rows}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> StoredIncident:
        return self._rows[row]

    @property
    def open_count(self) -> int:
        """Return the number of open ones; they come first."""
        return bisect_left(self._ranks, (1,))

    @property
    def closed_count(self) -> int:
        """Return the number of closed ones."""
        return len(self._rows) - self.open_count

    @property
    def last_closed(self) -> StoredIncident | None:
        """Return the one closed longest ago."""
        return self._rows[-1] if self.closed_count else None

    def row_of(self, incident_id: int) -> int | None:
        """Return the row of that incident."""
        known = self._rank_of.get(incident_id)
        return None if known is None else bisect_left(self._ranks, known)

    def place_of(self, stored: StoredIncident) -> int:
        """Return the row before which it belongs."""
        return bisect_left(self._ranks, rank(stored))

    def stays(self, stored: StoredIncident) -> bool:
        """Whether a known incident keeps its row."""
        return self._rank_of.get(stored.incident.id) == rank(stored)

    def replace(self, stored: StoredIncident) -> None:
        """Take the new state of an incident that keeps its row."""
        self._rows[bisect_left(self._ranks, rank(stored))] = stored

    def move(self, stored: StoredIncident) -> None:
        """Take the new state of a known incident and put it where it belongs now."""
        row = bisect_left(self._ranks, self._rank_of[stored.incident.id])
        self.remove(range(row, row + 1))
        self.insert(self.place_of(stored), [stored])

    def insert(self, place: int, group: list[StoredIncident]) -> None:
        """Put sorted incidents before that row, where they belong."""
        ranks = [rank(stored) for stored in group]
        self._rows[place:place] = group
        self._ranks[place:place] = ranks
        self._rank_of.update(zip((stored.incident.id for stored in group), ranks, strict=True))

    def remove(self, rows: range) -> None:
        """Take rows out."""
        for stored in self._rows[rows.start : rows.stop]:
            del self._rank_of[stored.incident.id]
        del self._rows[rows.start : rows.stop]
        del self._ranks[rows.start : rows.stop]

    def ends(self, stored: StoredIncident) -> bool:
        """Whether it belongs below all others and is closed: what lies between may not have been fetched."""
        return not stored.incident.open and self.place_of(stored) == len(self._rows)

    def grouped(self, fresh: list[StoredIncident]) -> list[tuple[int, list[StoredIncident]]]:
        """Sort new incidents into groups with the row before which each belongs, the last group first.

        In this order one insert does not shift the places of the others.
        """
        groups: dict[int, list[StoredIncident]] = {}
        for stored in sorted(fresh, key=rank):
            groups.setdefault(self.place_of(stored), []).append(stored)
        return sorted(groups.items(), key=lambda item: item[0], reverse=True)
