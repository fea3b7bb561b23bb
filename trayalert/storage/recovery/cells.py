"""Decoding of rows of the table `delivery` from the bytes of SQLite's pages.

Format: https://www.sqlite.org/fileformat2.html. The functions are pure. The public functions never raise, whatever
bytes they are given. A row is recognised by the number and the types of its columns. In addition, the lengths of the
row's values must add up to the length of the row. The row's digest then shows whether the row is as it was written.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from trayalert.domain.callback import Callback
from trayalert.storage.rows import digest_of, make_callback

_MAX_PAYLOAD = 2 << 20
"""Upper limit for the size of a delivery's row in bytes. A body has at most 1 MiB, and a query at most 16 KiB."""

_MAX_ID = 2**53
_INT_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
_TABLE_LEAF = 0x0D
_OTHER_PAGE_TYPES = (0x02, 0x05, 0x0A)
_MAX_INVALID_CELLS = 8
"""Number of invalid cells that are tolerated in a page whose type byte is damaged."""

PageReader = Callable[[int], bytes]
"""A function that returns the bytes of the page with the given number. Used to read the overflow pages of a cell."""


class Cell(NamedTuple):
    """A cell that looks like a delivery, by the number and the sizes of its columns. Offsets and sizes are in bytes."""

    offset: int
    """Where the cell starts in its page."""
    id: int
    """The id of the delivery."""
    payload_size: int
    """Size of the whole payload, including the part on overflow pages."""
    record_offset: int
    """Where the payload starts in the page."""
    header_size: int
    """Size of the header at the start of the payload."""
    types: tuple[int, ...]
    """The serial types of the columns."""


class Delivery(NamedTuple):
    """A delivery that was read from a page.

    Deliveries with equal content have the same `content_hash`, even if their ids differ.
    """

    id: int
    callback: Callback
    content_hash: int


def cells(page: bytes, *, first: bool) -> Iterator[Cell]:
    """Yield the page's cells that look like deliveries, even if the page's type byte is invalid.

    `first` must be True for the first page of the database file, because that page begins with the file's header.
    """
    base = 100 if first else 0
    page_type = page[base] if len(page) > base + 8 else _OTHER_PAGE_TYPES[0]
    if page_type in _OTHER_PAGE_TYPES:
        return
    count = int.from_bytes(page[base + 3 : base + 5], "big")
    invalid_left = _MAX_INVALID_CELLS if page_type != _TABLE_LEAF else count
    for index in range(min(count, (len(page) - base - 8) // 2)):
        at = int.from_bytes(page[base + 8 + 2 * index : base + 10 + 2 * index], "big")
        cell = read_cell(page, at) if base + 8 < at < len(page) else None
        if cell is not None:
            yield cell
        else:
            invalid_left -= 1
            if invalid_left < 0:
                return


def is_leaf(page: bytes) -> bool:
    """Return whether the page is marked as a leaf page of a table."""
    return page[:1] == bytes([_TABLE_LEAF])


def read_cell(page: bytes, at: int) -> Cell | None:
    """Return the cell at offset `at` of the page, or None if the cell does not look like a delivery."""
    try:
        payload, place = _read_varint(page, at)
        number, place = _read_varint(page, place)
        header, after = _read_varint(page, place)
        if not (0 < number < _MAX_ID and 8 < header < 64 and header <= payload <= _MAX_PAYLOAD):
            return None
        types = []
        while after < place + header:
            serial_type, after = _read_varint(page, after)
            types.append(serial_type)
    except IndexError:
        return None
    if after != place + header or not _is_delivery_row(types) or header + sum(map(_value_size, types)) != payload:
        return None
    return Cell(at, number, payload, place, header, tuple(types))


def read_delivery(page: bytes, cell: Cell, *, usable: int, read_page: PageReader) -> Delivery | None:
    """Return the delivery in a cell of the page, or None if the delivery is damaged.

    A delivery is damaged if it cannot be decoded or does not match its digest. `usable` is the number of bytes that
    SQLite uses of each page.
    """
    record = _read_payload(page, cell, usable, read_page)
    if len(record) != cell.payload_size:
        return None
    values: list[Any] = []
    at = cell.header_size
    for serial_type in cell.types:
        end = at + _value_size(serial_type)
        values.append(_decode_value(serial_type, record[at:end]))
        at = end
    if not all(isinstance(text, str) for text in (values[3], values[5], values[6], values[8])):
        return None
    _, received_at, _, method, query, content_type, sender, body, secret, digest = values
    content = (received_at, method, query, content_type, sender, secret, body)
    if digest != digest_of("delivery", (cell.id, *content)):
        return None
    return Delivery(cell.id, make_callback(content), content_hash(content))


def content_hash(content: tuple[object, ...]) -> int:
    """Return a hash of a delivery's content: all values that the delivery's digest covers, except the id."""
    return int.from_bytes(digest_of("content", content)[:8], "big") >> 1


def _is_delivery_row(types: list[int]) -> bool:
    """Return whether the given serial types can be those of a delivery's columns."""
    if len(types) != 10:
        return False
    id_, received_at, alert_id, method, query, content_type, sender, body, secret, digest = types
    return (
        id_ == 0
        and received_at in _INT_SIZES
        and (alert_id == 0 or alert_id in _INT_SIZES)
        and all(kind >= 13 and kind % 2 for kind in (method, content_type, sender, secret))
        and all(kind >= 12 and not kind % 2 for kind in (query, body))
        and digest == 44
    )


def _read_payload(page: bytes, cell: Cell, usable: int, read_page: PageReader) -> bytes:
    """Return the cell's payload, including its overflow pages.

    If an overflow page is missing, return fewer bytes than `cell.payload_size`.
    """
    max_local, min_local = usable - 35, (usable - 12) * 32 // 255 - 23
    local = cell.payload_size
    if local > max_local:
        local = min_local + (cell.payload_size - min_local) % (usable - 4)
        local = local if local <= max_local else min_local
    record = page[cell.record_offset : cell.record_offset + local]
    if local == cell.payload_size or len(record) < local:
        return record
    parts, left = [record], cell.payload_size - local
    number = int.from_bytes(page[cell.record_offset + local : cell.record_offset + local + 4], "big")
    while left > 0:  # `left` shrinks in each round, so the loop ends even if the overflow pages form a cycle
        more = read_page(number)
        if len(more) < 5:
            return b""
        parts.append(more[4 : min(usable, 4 + left)])
        left -= usable - 4
        number = int.from_bytes(more[:4], "big")
    return b"".join(parts)


def _decode_value(serial_type: int, encoded: bytes) -> object:
    """Return the value of a column, or None if the column is NULL or contains text that is not valid UTF-8."""
    if serial_type >= 12:
        if serial_type % 2 == 0:
            return encoded
        try:
            return encoded.decode()
        except UnicodeDecodeError:
            return None
    if serial_type in {8, 9}:
        return serial_type - 8
    return int.from_bytes(encoded, "big", signed=True) if serial_type else None


def _value_size(serial_type: int) -> int:
    return (serial_type - 12) // 2 if serial_type >= 12 else _INT_SIZES.get(serial_type, 0)


def _read_varint(page: bytes, at: int) -> tuple[int, int]:
    """Return the varint at offset `at` and the offset after it. Raise IndexError if the page ends within the varint."""
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
