"""Reads the pages of a damaged SQLite file and of its write-ahead log without using SQLite.

Format: https://www.sqlite.org/fileformat2.html. Closing the database file here drops SQLite's locks on the file.
Therefore this process must not have the database file open in SQLite. SQLite does not lock the `-wal`, so the `-wal`
may be read at any time. Damaged content never raises an exception. Parts that cannot be read are returned as empty.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from trayalert.domain.fault import os_reason
from trayalert.domain.phrase import Phrase
from trayalert.storage.faults import LogFault

PAGE_SIZE = 4096
"""Page size of trayalert's logs in bytes. `Pages` assumes this size if no header can be read."""

_MAGIC = b"SQLite format 3\0"
_WAL_MAGICS = (0x377F0682, 0x377F0683)
_WAL_HEADER = 32
_FRAME_HEADER = 24
_MAX_PAGES = 2**31


class BtreePage(NamedTuple):
    """A page in the database file or in its `-wal`.

    `offset` is the position of the page's first byte in the file that contains the page.
    """

    number: int
    in_wal: bool
    offset: int


class Pages:
    """The database file and its `-wal`, opened for reading. If `only_wal` is set, only the `-wal` is opened.

    Raises LogFault if the database file cannot be opened. A missing `-wal` counts as empty.
    """

    def __init__(self, log: Path, *, only_wal: bool = False) -> None:
        try:
            self._main = None if only_wal else os.open(log, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise LogFault(Phrase("{path} cannot be read: {reason}", path=log, reason=os_reason(error))) from error
        self._wal = _open(log.with_name(log.name + "-wal"))
        self._length = _length(self._main)
        header = _read(self._main, 100, 0)
        wal_header = _read(self._wal, _WAL_HEADER, 0)
        wal_size = _wal_page_size(wal_header)
        self.size = _page_size(header) or wal_size or PAGE_SIZE
        reserved = header[20] if _page_size(header) else 0
        self.usable = self.size - reserved if self.size - reserved >= 480 else self.size
        salts = self._header_salts = (
            wal_header[16:24] if wal_size == self.size and _has_valid_checksum(wal_header) else b""
        )
        self._salts = salts if salts == _read(self._wal, 8, _WAL_HEADER + 8) else b""
        self._newest = {page.number: page for page in self.frames()}

    def close(self) -> None:
        """Close both files."""
        for descriptor in (self._main, self._wal):
            if descriptor is not None:
                os.close(descriptor)

    @property
    def truncated(self) -> bool:
        """Whether the database file is shorter than its header says. The end of the file is then missing."""
        header = _read(self._main, 100, 0)
        page_count = (
            int.from_bytes(header[28:32], "big") if _page_size(header) and header[24:28] == header[92:96] else 0
        )
        return self._length < page_count * self.size

    def main(self) -> Iterator[BtreePage]:
        """Yield the pages of the database file, including a partial page at its end."""
        for number in range(1, min((self._length + self.size - 1) // self.size, _MAX_PAGES) + 1):
            yield BtreePage(number, in_wal=False, offset=(number - 1) * self.size)

    def frames(self) -> Iterator[BtreePage]:
        """Yield the committed pages of the `-wal`.

        If the `-wal` header is damaged or does not match the first frame, yield every page that has a plausible page
        number.
        """
        for commit in self.commits():
            yield from commit

    def commits(self) -> Iterator[tuple[BtreePage, ...]]:
        """Yield the same pages as `frames`, grouped by commit. Commits are not checked for completeness.

        SQLite marks the last frame of each commit. If the `-wal` header is damaged or does not match the first frame,
        each page is yielded as a separate group.
        """
        frames: list[BtreePage] = []
        step = self.size + _FRAME_HEADER
        for offset in range(_WAL_HEADER, _length(self._wal) - step + 1, step):
            head = _read(self._wal, 16, offset)
            number, commit = struct.unpack(">II", head[:8]) if len(head) == 16 else (0, 0)
            if not 0 < number < _MAX_PAGES or (self._salts and head[8:16] != self._salts):
                continue  # a frame from before the last reset of the `-wal`, or a damaged frame
            frames.append(BtreePage(number, in_wal=True, offset=offset + _FRAME_HEADER))
            if commit or not self._salts:
                yield tuple(frames)
                frames.clear()

    @property
    def has_current_frames(self) -> bool:
        """Whether the first frame of the `-wal` belongs to the header of the `-wal`.

        Also True if the header is missing or damaged.
        """
        return bool(self._salts) or not self._header_salts

    def frame_number(self, page: BtreePage) -> int:
        """Return the number of the page's frame in the `-wal`. As in SQLite, frames are counted from 1."""
        return (page.offset - _WAL_HEADER) // (self.size + _FRAME_HEADER) + 1

    def read(self, page: BtreePage) -> bytes:
        """Return the bytes of the page. If the file ends within the page or the disk fails, return fewer bytes."""
        return _read(self._wal if page.in_wal else self._main, self.size, page.offset)

    def newest(self, number: int) -> bytes:
        """Return the bytes of a page as it was last committed.

        The bytes come from the `-wal` if it contains the page, and otherwise from the database file.
        """
        if not 0 < number < _MAX_PAGES:
            return b""
        page = self._newest.get(number)
        return self.read(page or BtreePage(number, in_wal=False, offset=(number - 1) * self.size))

    def free_pages(self) -> frozenset[int]:
        """Return the numbers of the pages on the file's freelist, or an empty set if the freelist is inconsistent."""
        header = self.newest(1)
        if not _page_size(header):
            return frozenset()
        trunk, free_count = struct.unpack(">II", header[32:40])
        found: set[int] = set()
        while trunk and trunk not in found and len(found) < free_count:
            page = self.newest(trunk)
            leaves = int.from_bytes(page[4:8], "big")
            if len(page) < self.size or leaves > self.usable // 4 - 2:
                return frozenset()
            found.add(trunk)
            found.update(struct.unpack(f">{leaves}I", page[8 : 8 + 4 * leaves]))
            trunk = int.from_bytes(page[:4], "big")
        return frozenset(found) if len(found) == free_count else frozenset()

    def page_at(self, offset: int, *, in_wal: bool) -> BtreePage:
        """Return the page that contains the byte at `offset`. A page in the `-wal` gets the number 0."""
        if not in_wal:
            return BtreePage(offset // self.size + 1, in_wal=False, offset=offset // self.size * self.size)
        step = self.size + _FRAME_HEADER
        start = (offset - _WAL_HEADER) // step * step + _WAL_HEADER + _FRAME_HEADER
        return BtreePage(0, in_wal=True, offset=start)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return None


def _length(descriptor: int | None) -> int:
    try:
        return 0 if descriptor is None else os.fstat(descriptor).st_size
    except OSError:
        return 0


def _read(descriptor: int | None, size: int, offset: int) -> bytes:
    if descriptor is None:
        return b""
    try:
        if hasattr(os, "pread"):
            return os.pread(descriptor, size, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)
    except (OSError, OverflowError):
        return b""


def _page_size(header: bytes) -> int | None:
    """Return the page size in the header of a database file, or None if the header is not valid."""
    if len(header) < 100 or not header.startswith(_MAGIC):
        return None
    return _valid_page_size(int.from_bytes(header[16:18], "big"))


def _wal_page_size(header: bytes) -> int | None:
    if len(header) < _WAL_HEADER or int.from_bytes(header[:4], "big") not in _WAL_MAGICS:
        return None
    return _valid_page_size(int.from_bytes(header[8:12], "big"))


def _has_valid_checksum(wal_header: bytes) -> bool:
    """Return whether the checksum in a `-wal` header is correct."""
    order = ">" if wal_header[3] & 1 else "<"
    first = second = 0
    for one, other in struct.iter_unpack(f"{order}II", wal_header[:24]):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return wal_header[24:32] == struct.pack(">II", first, second)


def _valid_page_size(size: int) -> int | None:
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else None
