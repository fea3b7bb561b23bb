"""The rows of the table `delivery` as SQLite writes them into a page, read byte by byte. Pure; nothing here raises.

A row is recognised by its columns' number and types and by its lengths, which must add up; whether it is what was
written, its digest tells.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from trayalert.domain.callback import Callback
from trayalert.storage.digest import digest_of

_LONGEST = 2 << 20
"""No delivery is longer: a body has 1 MiB, a query 16 KiB."""

_LARGEST_ID = 2**53
_INT_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
_LEAF = 0x0D
_NO_LEAVES = (0x02, 0x05, 0x0A)
_PATIENCE = 8
"""A page whose first byte is damaged is given up after so many cells that are none."""

Follow = Callable[[int], bytes]
"""Returns the page of that number, for what a cell could not hold."""


class Cell(NamedTuple):
    """A cell that is a delivery by its shape. `types` are the serial types of its columns; `at` is where it starts."""

    at: int
    id: int
    payload: int
    start: int
    header: int
    types: tuple[int, ...]


class Delivery(NamedTuple):
    """A delivery that was read back; `content` tells equal ones, whatever their ids."""

    id: int
    callback: Callback
    content: int


def cells(page: bytes, *, first: bool) -> Iterator[Cell]:
    """Return the deliveries of a page; of a page whose kind cannot be told, those that may be some."""
    base = 100 if first else 0
    kind = page[base] if len(page) > base + 8 else _NO_LEAVES[0]
    if kind in _NO_LEAVES:
        return
    count = int.from_bytes(page[base + 3 : base + 5], "big")
    patience = _PATIENCE if kind != _LEAF else count
    for index in range(min(count, (len(page) - base - 8) // 2)):
        at = int.from_bytes(page[base + 8 + 2 * index : base + 10 + 2 * index], "big")
        cell = read_cell(page, at) if base + 8 < at < len(page) else None
        if cell is not None:
            yield cell
        else:
            patience -= 1
            if patience < 0:
                return


def is_leaf(page: bytes) -> bool:
    """Whether the page says of itself that it holds rows."""
    return page[:1] == bytes([_LEAF])


def read_cell(page: bytes, at: int) -> Cell | None:
    """Return the delivery at that place, None where there is none."""
    try:
        payload, place = _varint(page, at)
        number, place = _varint(page, place)
        header, after = _varint(page, place)
        if not (0 < number < _LARGEST_ID and 8 < header < 64 and header <= payload <= _LONGEST):
            return None
        types = []
        while after < place + header:
            kind, after = _varint(page, after)
            types.append(kind)
    except IndexError:
        return None
    if after != place + header or not _fits(types) or header + sum(map(_size, types)) != payload:
        return None
    return Cell(at, number, payload, place, header, tuple(types))


def read_delivery(page: bytes, cell: Cell, *, usable: int, follow: Follow) -> Delivery | None:
    """Return the delivery, None where its digest is wrong or it cannot be decoded."""
    record = _whole(page, cell, usable, follow)
    if len(record) != cell.payload:
        return None
    values: list[Any] = []
    at = cell.header
    for kind in cell.types:
        end = at + _size(kind)
        values.append(_value(kind, record[at:end]))
        at = end
    if not all(isinstance(text, str) for text in (values[3], values[5], values[6], values[8])):
        return None
    _, received_at, _, method, query, content_type, sender, body, secret, digest = values
    told = (received_at, method, query, content_type, sender, secret, body)
    if digest is not None and digest != digest_of("delivery", (cell.id, *told)):
        return None
    callback = Callback(
        received_at=received_at,
        method=method,
        query=query,
        content_type=content_type,
        sender=sender,
        secret=secret,
        body=body,
    )
    return Delivery(cell.id, callback, content_of(told))


def content_of(told: tuple[object, ...]) -> int:
    """Return a number that tells what a delivery holds (all that is digested but its id)."""
    return int.from_bytes(digest_of("content", told)[:8], "big") >> 1


def _fits(types: list[int]) -> bool:
    """Whether the columns are those of a delivery."""
    if len(types) != 10:
        return False
    id_, received_at, alert_id, method, query, content_type, sender, body, secret, digest = types
    return (
        id_ == 0
        and received_at in _INT_SIZES
        and (alert_id == 0 or alert_id in _INT_SIZES)
        and all(kind >= 13 and kind % 2 for kind in (method, content_type, sender, secret))
        and all(kind >= 12 and not kind % 2 for kind in (query, body))
        and digest in {0, 44}
    )


def _whole(page: bytes, cell: Cell, usable: int, follow: Follow) -> bytes:
    """Return the cell's payload with what lies on overflow pages."""
    most, least = usable - 35, (usable - 12) * 32 // 255 - 23
    local = cell.payload
    if local > most:
        local = least + (cell.payload - least) % (usable - 4)
        local = local if local <= most else least
    record = page[cell.start : cell.start + local]
    if local == cell.payload or len(record) < local:
        return record
    parts, left = [record], cell.payload - local
    number = int.from_bytes(page[cell.start + local : cell.start + local + 4], "big")
    while left > 0:  # each round takes some of what is left, so that a ring of pages ends too
        more = follow(number)
        if len(more) < 5:
            return b""
        parts.append(more[4 : min(usable, 4 + left)])
        left -= usable - 4
        number = int.from_bytes(more[:4], "big")
    return b"".join(parts)


def _value(kind: int, told: bytes) -> object:
    """Return a column's value; None where it is NULL, or no text that can be read."""
    if kind >= 12:
        if kind % 2 == 0:
            return told
        try:
            return told.decode()
        except UnicodeDecodeError:
            return None
    if kind in {8, 9}:
        return kind - 8
    return int.from_bytes(told, "big", signed=True) if kind else None


def _size(kind: int) -> int:
    return (kind - 12) // 2 if kind >= 12 else _INT_SIZES.get(kind, 0)


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """Return a number of SQLite's, and what follows it. Raise IndexError at the page's end."""
    value = page[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for place in range(at + 1, at + 8):
        byte = page[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | page[at + 8], at + 9
