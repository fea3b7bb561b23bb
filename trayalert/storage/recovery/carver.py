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
from trayalert.storage.recovery.pages import Page, Pages

_SLICE = 0.002
_PAUSE = 0.001
"""Seconds of work, and of leave for the listener, which needs the interpreter too."""

_LOT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Carved:
    """The sound deliveries by id: where each lies and what it holds (numbers, as there may be a million).

    `damaged` were recognised, but are not what was written; `missing` are ids in between that were not found, where
    ids up to `thinned` may be absent for a good reason. `truncated`: the file's end is gone, and nobody knows how much.
    """

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    places: "array[int]" = field(default_factory=lambda: array("q"))
    contents: "array[int]" = field(default_factory=lambda: array("q"))
    damaged: int = 0
    missing: int = 0
    truncated: bool = False

    @property
    def total(self) -> int:
        """How many deliveries the file held, as far as that can be told."""
        return len(self.ids) + self.damaged + self.missing


class Damaged:
    """A damaged file, open for reading."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def carve(
        self, *, thinned: int = 0, first: int = 0, last: int = 0, rest: Callable[[], None] | None = None
    ) -> Carved:
        """Find all deliveries. `rest` is called now and then; it may sleep, or raise to give up.

        `first` and `last` are known ids of the file: what is gone beyond the ends of what is found is missing too.
        """
        found = _Found()
        free = self._pages.free()
        rest = rest or Rest()
        for page in self._every_page():
            rest()
            if page.number not in free:
                self._read(page, found)
        return found.sorted(thinned=thinned, first=first, last=last, truncated=self._pages.truncated, rest=rest)

    def delivery(self, place: int) -> Delivery | None:
        """Return the delivery at a place that `carve` has found."""
        in_wal = bool(place & 1)
        page = self._pages.page_at(place >> 1, in_wal=in_wal)
        content = self._pages.read(page)
        cell = read_cell(content, (place >> 1) - page.offset)
        return cell and read_delivery(content, cell, usable=self._pages.usable, follow=self._pages.newest)

    def _every_page(self) -> Iterator[Page]:
        yield from self._pages.main()
        yield from self._pages.frames()

    def _read(self, page: Page, found: "_Found") -> None:
        content = self._pages.read(page)
        first = page.number == 1
        trusted = first or is_leaf(content)
        for cell in cells(content, first=first):
            delivery = read_delivery(content, cell, usable=self._pages.usable, follow=self._pages.newest)
            if delivery is None:
                if trusted:
                    found.damaged.append(cell.id)
            elif trusted or len(cell.types) == 10:
                found.ids.append(cell.id)
                found.places.append((page.offset + cell.at) << 1 | page.in_wal)
                found.contents.append(delivery.content)


def deliveries_in(pages: Pages, some: Iterable[Page]) -> tuple[Delivery, ...]:
    """Return the deliveries of these pages whose digests are right, by id."""
    found: dict[int, Delivery] = {}
    for page in some:
        content = pages.read(page)
        for cell in cells(content, first=page.number == 1):
            delivery = read_delivery(content, cell, usable=pages.usable, follow=pages.newest)
            if delivery and len(cell.types) == 10:
                found[cell.id] = delivery
    return tuple(found[number] for number in sorted(found))


@contextmanager
def open_damaged(log: Path) -> Iterator[Damaged]:
    """Open a damaged file that nobody else has open. Raise LogFault where it is not there."""
    pages = Pages(log)
    try:
        yield Damaged(pages)
    finally:
        pages.close()


class GaveUp(Exception):
    """The work was stopped, as the program ends."""


class Rest:
    """Leaves the interpreter to others after each slice of work. `stop` ends the work; it is for any thread."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._stopped = False

    def stop(self) -> None:
        """Let the next call raise GaveUp."""
        self._stopped = True

    def __call__(self) -> None:
        """Sleep where the slice is used up. Raise GaveUp."""
        if self._stopped:
            raise GaveUp
        if time.monotonic() - self._since > _SLICE:
            time.sleep(_PAUSE)
            self._since = time.monotonic()


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found so far, in the order of the pages; an id may be there more than once."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    places: "array[int]" = field(default_factory=lambda: array("q"))
    contents: "array[int]" = field(default_factory=lambda: array("q"))
    damaged: "array[int]" = field(default_factory=lambda: array("q"))

    def sorted(self, *, thinned: int, first: int, last: int, truncated: bool, rest: Callable[[], None]) -> Carved:
        """Return each id once, in order, with the counts."""
        ids, places, contents = array("q"), array("q"), array("q")
        before = 0
        for index in in_order(self.ids, rest=rest):
            if self.ids[index] != before:
                before = self.ids[index]
                ids.append(before)
                places.append(self.places[index])
                contents.append(self.contents[index])
        broken_rows = array("q", (self.damaged[index] for index in in_order(self.damaged, rest=rest)))
        damaged = array("q", (number for number, _ in groupby(broken_rows) if not _has(ids, number)))
        missing = 0
        known = [*(ids[:1] + ids[-1:]), *filter(None, (first, last))]
        if known:
            lowest, highest = max(min(known), thinned + 1), max(known)
            sound = len(ids) - bisect_left(ids, lowest)
            broken = bisect_right(damaged, highest) - bisect_left(damaged, lowest)
            missing = max(0, highest - lowest + 1) - sound - broken
        return Carved(
            ids=ids, places=places, contents=contents, damaged=len(damaged), missing=missing, truncated=truncated
        )


def in_order(numbers: "array[int]", *, rest: Callable[[], None]) -> Iterator[int]:
    """Return the places of the numbers, the lowest number first. One great sort would keep the listener waiting."""
    lots = []
    for start in range(0, len(numbers), _LOT):
        rest()
        lots.append(array("q", sorted(range(start, min(start + _LOT, len(numbers))), key=numbers.__getitem__)))
    for count, place in enumerate(heapq.merge(*lots, key=numbers.__getitem__)):
        yield place
        if count % 500 == 0:
            rest()


def _has(numbers: "array[int]", number: int) -> bool:
    index = bisect_left(numbers, number)
    return index < len(numbers) and numbers[index] == number
