"""Carving: finding the deliveries in a damaged file by reading every page, without SQLite's B-trees.

The file is not changed. A delivery never changes after it has been written, so any undamaged copy of its row can be
used. To find such copies, every page of the file and of its `-wal` is read. Carving can take a long time, so do it on a
background thread.
"""

import heapq
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, groupby

from trayalert.storage.recovery.cells import Cell, Delivery, cells, is_leaf, read_cell, read_delivery
from trayalert.storage.recovery.pages import BtreePage, Pages

_SORT_BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CarvedDeliveries:
    """The undamaged deliveries that were found, sorted by id, and the numbers of damaged and missing deliveries.

    `ids`, `locations` and `content_hashes` are arrays with one element for each undamaged delivery. Arrays are used to
    save memory, because there may be a million deliveries.
    """

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    locations: "array[int]" = field(default_factory=lambda: array("q"))
    """Where each delivery is in the file or its `-wal`. `delivery_at` reads the delivery at a location."""
    content_hashes: "array[int]" = field(default_factory=lambda: array("q"))
    damaged: int = 0
    """Number of deliveries that were recognised but do not match their digests."""
    missing: int = 0
    """Number of deliveries that were not found although retention has not deleted them."""
    truncated: bool = False
    """Whether the end of the file is missing. The number of deliveries in the missing end is unknown."""

    @property
    def total(self) -> int:
        """Number of undamaged, damaged and missing deliveries together."""
        return len(self.ids) + self.damaged + self.missing

    def add(self, number: int, location: int, content: int) -> None:
        """Append the id, location and content hash of an undamaged delivery to the arrays."""
        self.ids.append(number)
        self.locations.append(location)
        self.content_hashes.append(content)


def carve(
    pages: Pages, *, thinned: int = 0, first: int = 0, last: int = 0, throttle: Callable[[], None] = lambda: None
) -> CarvedDeliveries:
    """Find all deliveries that can be read from a damaged file, and count the damaged and the missing deliveries.

    - `thinned` is the id of the last delivery that retention has deleted.
    - `first` and `last` are the lowest and the highest id that the file is known to have contained. 0 means unknown.
    - `throttle` is called often. It may sleep, or raise an exception to stop the carving.

    The known ids are `first`, `last` and the ids of the undamaged deliveries. A delivery is expected for each id from
    the lowest to the highest known id, except for ids up to `thinned`. An expected delivery counts as missing if
    neither an undamaged nor a damaged delivery with its id was found.
    """
    found, sound, broken = CarvedDeliveries(), CarvedDeliveries(), array("q")
    free = pages.free_pages()
    for page in chain(pages.main(), pages.frames()):
        throttle()
        if page.number in free:
            continue
        for cell, delivery in _read_cells(pages, page):
            if delivery:
                found.add(cell.id, (page.offset + cell.offset) << 1 | page.in_wal, delivery.content_hash)
            else:
                broken.append(cell.id)
    for index in sorted_indexes(found.ids, throttle=throttle):  # several copies of a row may have been found
        if not sound.ids or sound.ids[-1] != found.ids[index]:
            sound.add(found.ids[index], found.locations[index], found.content_hashes[index])
    broken = array("q", (broken[index] for index in sorted_indexes(broken, throttle=throttle)))
    damaged = array("q", (number for number, _ in groupby(broken) if not _contains(sound.ids, number)))
    missing = 0
    known = [*(sound.ids[:1] + sound.ids[-1:]), *filter(None, (first, last))]
    if known:
        lowest, highest = max(min(known), thinned + 1), max(known)
        present = len(sound.ids) - bisect_left(sound.ids, lowest)
        present += bisect_right(damaged, highest) - bisect_left(damaged, lowest)
        missing = max(0, highest - lowest + 1 - present)
    return replace(sound, damaged=len(damaged), missing=missing, truncated=pages.truncated)


def delivery_at(pages: Pages, location: int) -> Delivery | None:
    """Return the delivery at `location`, or None if it can no longer be read.

    `location` is an element of `CarvedDeliveries.locations`.
    """
    page = pages.page_at(location >> 1, in_wal=bool(location & 1))
    content = pages.read(page)
    cell = read_cell(content, (location >> 1) - page.offset)
    return cell and read_delivery(content, cell, usable=pages.usable, read_page=pages.newest)


def deliveries_in(pages: Pages, selected: Iterable[BtreePage]) -> tuple[Delivery, ...]:
    """Return the undamaged deliveries on the selected pages, sorted by id.

    An undamaged delivery matches its digest.
    """
    found = {cell.id: delivery for page in selected for cell, delivery in _read_cells(pages, page) if delivery}
    return tuple(found[number] for number in sorted(found))


def _read_cells(pages: Pages, page: BtreePage) -> Iterator[tuple[Cell, Delivery | None]]:
    """Yield the page's cells that look like deliveries, each together with its delivery.

    For a damaged delivery, the result depends on the page. On the first page of the file, and on pages that are marked
    as leaf pages of a table, the cell is yielded together with None. On all other pages, the cell is left out.
    """
    content = pages.read(page)
    trusted = page.number == 1 or is_leaf(content)
    for cell in cells(content, first=page.number == 1):
        delivery = read_delivery(content, cell, usable=pages.usable, read_page=pages.newest)
        if delivery or trusted:
            yield cell, delivery


def sorted_indexes(numbers: "array[int]", *, throttle: Callable[[], None]) -> Iterator[int]:
    """Yield all indexes of `numbers`, from the index of the smallest number to the index of the largest.

    The numbers are sorted in batches, because one large sort would hold the GIL and keep the listener waiting.
    """
    batches = []
    for start in range(0, len(numbers), _SORT_BATCH):
        throttle()
        batches.append(
            array("q", sorted(range(start, min(start + _SORT_BATCH, len(numbers))), key=numbers.__getitem__))
        )
    for count, place in enumerate(heapq.merge(*batches, key=numbers.__getitem__)):
        yield place
        if count % 500 == 0:
            throttle()


def _contains(numbers: "array[int]", number: int) -> bool:
    index = bisect_left(numbers, number)
    return index < len(numbers) and numbers[index] == number
