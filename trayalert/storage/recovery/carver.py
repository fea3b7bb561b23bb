"""Carving: the deliveries of a damaged file, found page by page without SQLite's tree. The file is not changed.

Deliveries are never changed once they are written, so each sound copy of a row is as good as another: every page of
the file is read and every one of its write-ahead log. Runs in a thread and leaves the interpreter to others in between.
"""

import heapq
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from trayalert.storage.recovery.cells import Delivery, cells, is_leaf, read_cell, read_delivery
from trayalert.storage.recovery.pages import BtreePage, Pages

_SLICE = 0.002
_PAUSE = 0.001
"""Seconds of work, and of leave for the listener, which needs the interpreter too."""

_SORT_BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CarvedDeliveries:
    """The sound deliveries by id: where each lies and what it holds (numbers, as there may be a million).

    `damaged` were recognised, but are not what was written; `missing` are ids in between that were not found, where
    ids up to `thinned` may be absent for a good reason. `truncated`: the file's end is gone, and nobody knows how much.
    """

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    locations: "array[int]" = field(default_factory=lambda: array("q"))
    content_hashes: "array[int]" = field(default_factory=lambda: array("q"))
    damaged: int = 0
    missing: int = 0
    truncated: bool = False

    @property
    def total(self) -> int:
        """How many deliveries the file held, as far as that can be told."""
        return len(self.ids) + self.damaged + self.missing


class DamagedFile:
    """A damaged file, open for reading."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def carve(
        self, *, thinned: int = 0, first: int = 0, last: int = 0, rest: Callable[[], None] | None = None
    ) -> CarvedDeliveries:
        """Find all deliveries. `rest` is called now and then; it may sleep, or raise to give up.

        `first` and `last` are known ids of the file: what is gone beyond the ends of what is found is missing too.
        """
        found = _CarvedRows()
        free = self._pages.free_pages()
        rest = rest or Rest()
        for page in self._all_pages():
            rest()
            if page.number not in free:
                self._carve_page(page, found)
        return found.sorted(thinned=thinned, first=first, last=last, truncated=self._pages.truncated, rest=rest)

    def delivery(self, location: int) -> Delivery | None:
        """Return the delivery at a place that `carve` has found."""
        in_wal = bool(location & 1)
        page = self._pages.page_at(location >> 1, in_wal=in_wal)
        content = self._pages.read(page)
        cell = read_cell(content, (location >> 1) - page.offset)
        return cell and read_delivery(content, cell, usable=self._pages.usable, read_page=self._pages.newest)

    def _all_pages(self) -> Iterator[BtreePage]:
        yield from self._pages.main()
        yield from self._pages.frames()

    def _carve_page(self, page: BtreePage, found: "_CarvedRows") -> None:
        content = self._pages.read(page)
        first = page.number == 1
        trusted = first or is_leaf(content)
        for cell in cells(content, first=first):
            delivery = read_delivery(content, cell, usable=self._pages.usable, read_page=self._pages.newest)
            if delivery is None:
                if trusted:
                    found.damaged.append(cell.id)
            else:
                found.ids.append(cell.id)
                found.locations.append((page.offset + cell.offset) << 1 | page.in_wal)
                found.content_hashes.append(delivery.content_hash)


def deliveries_in(pages: Pages, selected: Iterable[BtreePage]) -> tuple[Delivery, ...]:
    """Return the deliveries of these pages whose digests are right, by id."""
    found: dict[int, Delivery] = {}
    for page in selected:
        content = pages.read(page)
        for cell in cells(content, first=page.number == 1):
            delivery = read_delivery(content, cell, usable=pages.usable, read_page=pages.newest)
            if delivery:
                found[cell.id] = delivery
    return tuple(found[number] for number in sorted(found))


@contextmanager
def open_damaged(log: Path) -> Iterator[DamagedFile]:
    """Open a damaged file that nobody else has open. Raise LogFault where it is not there."""
    pages = Pages(log)
    try:
        yield DamagedFile(pages)
    finally:
        pages.close()


class WorkStopped(Exception):
    """The work was stopped, as the program ends."""


class Rest:
    """Leaves the interpreter to others after each slice of work. `stop` ends the work; it is for any thread."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._stopped = False

    def stop(self) -> None:
        """Let the next call raise WorkStopped."""
        self._stopped = True

    def __call__(self) -> None:
        """Sleep where the slice is used up. Raise WorkStopped."""
        if self._stopped:
            raise WorkStopped
        if time.monotonic() - self._since > _SLICE:
            time.sleep(_PAUSE)
            self._since = time.monotonic()


@dataclass(frozen=True, slots=True)
class _CarvedRows:
    """What was found so far, in the order of the pages; an id may be there more than once."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    locations: "array[int]" = field(default_factory=lambda: array("q"))
    content_hashes: "array[int]" = field(default_factory=lambda: array("q"))
    damaged: "array[int]" = field(default_factory=lambda: array("q"))

    def sorted(
        self, *, thinned: int, first: int, last: int, truncated: bool, rest: Callable[[], None]
    ) -> CarvedDeliveries:
        """Return each id once, in order, with the counts."""
        ids, locations, content_hashes = array("q"), array("q"), array("q")
        before = 0
        for index in sorted_indexes(self.ids, rest=rest):
            if self.ids[index] != before:
                before = self.ids[index]
                ids.append(before)
                locations.append(self.locations[index])
                content_hashes.append(self.content_hashes[index])
        broken_rows = array("q", (self.damaged[index] for index in sorted_indexes(self.damaged, rest=rest)))
        damaged = array("q", (number for number, _ in groupby(broken_rows) if not _contains(ids, number)))
        missing = 0
        known = [*(ids[:1] + ids[-1:]), *filter(None, (first, last))]
        if known:
            lowest, highest = max(min(known), thinned + 1), max(known)
            sound = len(ids) - bisect_left(ids, lowest)
            broken = bisect_right(damaged, highest) - bisect_left(damaged, lowest)
            missing = max(0, highest - lowest + 1) - sound - broken
        return CarvedDeliveries(
            ids=ids,
            locations=locations,
            content_hashes=content_hashes,
            damaged=len(damaged),
            missing=missing,
            truncated=truncated,
        )


def sorted_indexes(numbers: "array[int]", *, rest: Callable[[], None]) -> Iterator[int]:
    """Return the places of the numbers, the lowest number first. One great sort would keep the listener waiting."""
    batches = []
    for start in range(0, len(numbers), _SORT_BATCH):
        rest()
        batches.append(
            array("q", sorted(range(start, min(start + _SORT_BATCH, len(numbers))), key=numbers.__getitem__))
        )
    for count, place in enumerate(heapq.merge(*batches, key=numbers.__getitem__)):
        yield place
        if count % 500 == 0:
            rest()


def _contains(numbers: "array[int]", number: int) -> bool:
    index = bisect_left(numbers, number)
    return index < len(numbers) and numbers[index] == number
