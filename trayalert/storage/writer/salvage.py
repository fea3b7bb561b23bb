"""Salvage: stores the deliveries of a quarantined log in the current log, in small groups.

Each group and the progress of the salvage are written in one transaction, and no group is written twice. Therefore no
delivery is lost or stored twice if trayalert is killed. Deliveries that the current log already contains are recognised
by their content and not stored again.
"""

import sqlite3
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from trayalert.domain.events import Event
from trayalert.domain.phrase import phrase_from_text
from trayalert.domain.times import Millis
from trayalert.storage.companion_files import quarantine_of
from trayalert.storage.read_connection import open_read_only
from trayalert.storage.recovery.carver import CarvedDeliveries, carve, delivery_at, sorted_indexes
from trayalert.storage.recovery.cells import content_hash
from trayalert.storage.recovery.pages import Pages
from trayalert.storage.recovery.quarantine import read_thinned, register_salvages
from trayalert.storage.rows import DELIVERY_DIGESTED
from trayalert.storage.writer.appender import Append, CallbackParser, append_all
from trayalert.storage.writer.reparse_slice import MAX_SLICE_BYTES
from trayalert.storage.writer.savepoint import run_all_or_each

GROUP_SIZE = 64
"""Maximum number of deliveries to store in one transaction.

A larger transaction would delay the callbacks that arrive in the meantime.
"""

_COLUMNS = "folder, why, begun_at, finished_at, first, last, position, salvaged, damaged, missing"


@dataclass(frozen=True, slots=True)
class Salvage:
    """The progress of salvaging one quarantined log. `salvaged`, `damaged` and `missing` count deliveries."""

    folder: str
    """Name of the quarantine folder."""
    why: str
    """The reason why the log was moved to the quarantine."""
    begun_at: Millis
    finished_at: Millis | None
    first: int
    """Id of the first delivery that the quarantined log is known to have contained, or 0 if the id is unknown."""
    last: int
    """Id of the last delivery that the quarantined log is known to have contained, or 0 if the id is unknown."""
    position: int
    """Highest id of the deliveries handled so far, or 0 if there are none. The salvage continues after this id."""
    salvaged: int
    damaged: int
    missing: int

    @property
    def total(self) -> int:
        """Number of deliveries that the log is known to have contained. Valid only after the salvage has finished."""
        return self.salvaged + self.damaged + self.missing


@dataclass(frozen=True, slots=True)
class OpenSalvage:
    """A salvage in progress.

    `carved` are the deliveries that were found in the quarantined file. `groups` yields the groups that must still be
    stored. Each group is read from the file only when it is yielded.
    """

    carved: CarvedDeliveries
    groups: Iterator["SalvageGroup"]


@dataclass(frozen=True, slots=True)
class BeginSalvage:
    """Registers those quarantine folders that wait to be salvaged and are not registered yet.

    A folder may be unregistered because trayalert was killed.
    """

    log: Path
    now: Millis

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Register the folders."""
        register_salvages(connection, self.log, now=self.now, delivery_ranges={}, reasons={})
        return ()


@dataclass(frozen=True, slots=True)
class SalvageGroup:
    """Stores those deliveries of a quarantined log whose ids are greater than `after` and at most `last_id`."""

    folder: str
    after: int
    last_id: int
    sound_count: int
    """Number of undamaged deliveries in the group, including those that the current log already contains."""
    appends: tuple[Append, ...]
    """The jobs that store those deliveries that the current log does not contain yet."""
    keep_raw: CallbackParser
    """Returns the alerts to store for a callback whose own alerts cannot be stored."""

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Store the group, unless it is already stored."""
        sql = "SELECT count(*) FROM salvage WHERE folder = ? AND position = ? AND finished_at IS NULL"
        if not connection.execute(sql, (self.folder, self.after)).fetchone()[0]:
            return ()
        lost = self._append(connection) if self.appends else 0
        connection.execute(
            "UPDATE salvage SET position = ?, salvaged = salvaged + ?, damaged = damaged + ? WHERE folder = ?",
            (self.last_id, self.sound_count - lost, lost, self.folder),
        )
        return ()

    def _append(self, connection: sqlite3.Connection) -> int:
        """Store the deliveries in `appends`. Return how many could not be stored.

        If a callback's alerts cannot be stored, the callback is stored with the alerts from `keep_raw` instead.
        """

        def store(appends: Sequence[Append]) -> int:
            append_all(connection, appends)
            return 0

        def store_raw(append: Append) -> int:
            raw = replace(append, alerts=self.keep_raw(append.callback))
            return 1 if raw == append else sum(run_all_or_each(connection, [raw], store, store_raw))

        return sum(run_all_or_each(connection, self.appends, store, store_raw))


@dataclass(frozen=True, slots=True)
class FinishSalvage:
    """Marks a salvage as finished. Records how many deliveries are damaged and how many are missing."""

    folder: str
    damaged: int
    missing: int
    now: Millis

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Record the end of the salvage, unless it is already recorded."""
        connection.execute(
            "UPDATE salvage SET damaged = damaged + ?, missing = ?, finished_at = ?"
            " WHERE folder = ? AND finished_at IS NULL",
            (self.damaged, self.missing, self.now, self.folder),
        )
        return ()


def read_salvages(log: Path) -> tuple[Salvage, ...]:
    """Return all salvages that are recorded in the log, oldest first. Raise LogFault if the log cannot be read."""
    with open_read_only(log) as connection:
        rows = connection.execute(f"SELECT {_COLUMNS} FROM salvage ORDER BY begun_at, folder").fetchall()
    return tuple(Salvage(folder, phrase_from_text(why) or "", *others) for folder, why, *others in rows)


def read_content_hashes(log: Path, *, throttle: Callable[[], None]) -> "array[int]":
    """Return the content hashes of all deliveries in the log, sorted. Raise LogFault if the log cannot be read.

    Reading a long log takes a long time. `throttle` is called after each delivery, and may sleep, or raise an exception
    to stop the reading.
    """
    columns = ", ".join(DELIVERY_DIGESTED[1:])
    contents = array("q")
    with open_read_only(log) as connection:
        for row in connection.execute(f"SELECT {columns} FROM delivery"):
            contents.append(content_hash(row))
            throttle()
    return _sorted(contents, throttle)


def _sorted(numbers: "array[int]", throttle: Callable[[], None]) -> "array[int]":
    return array("q", (numbers[place] for place in sorted_indexes(numbers, throttle=throttle)))


def missing_flags(carved: CarvedDeliveries, file_hashes: "array[int]", log_hashes: "array[int]") -> Iterator[bool]:
    """For each carved delivery in turn, yield whether the delivery is missing from the log.

    `file_hashes` are the sorted content hashes of the carved deliveries. `log_hashes` are the sorted content hashes of
    the log's deliveries. Several carved deliveries may have the same content. If the log contains that content n times,
    the first n carved deliveries count as present, and all further ones count as missing.
    """
    seen: Counter[int] = Counter()
    for content in carved.content_hashes:
        of_it = 1
        if bisect_right(file_hashes, content) - bisect_left(file_hashes, content) > 1:
            seen[content] += 1
            of_it = seen[content]
        yield bisect_right(log_hashes, content) - bisect_left(log_hashes, content) < of_it


@contextmanager
def open_salvage(
    log: Path, salvage: Salvage, *, read: CallbackParser, keep_raw: CallbackParser, throttle: Callable[[], None]
) -> Iterator[OpenSalvage]:
    """Carve the quarantined file of a salvage and keep the file open for a `with` block.

    Carving can take a long time, so the caller must use a background thread. `throttle` is called repeatedly, and may
    sleep, or raise an exception to stop the carving. Raise LogFault if the quarantined file is gone or the log cannot
    be read.
    """
    folder = quarantine_of(log) / salvage.folder
    with closing(Pages(folder / log.name)) as pages:
        thinned = read_thinned(folder / log.name)
        carved = carve(pages, thinned=thinned, first=salvage.first, last=salvage.last, throttle=throttle)
        file_hashes = _sorted(carved.content_hashes, throttle)
        missing = missing_flags(carved, file_hashes, read_content_hashes(log, throttle=throttle))
        yield OpenSalvage(carved, _groups(pages, carved, salvage, missing, read=read, keep_raw=keep_raw))


def _groups(
    pages: Pages,
    carved: CarvedDeliveries,
    salvage: Salvage,
    missing: Iterator[bool],
    *,
    read: CallbackParser,
    keep_raw: CallbackParser,
) -> Iterator[SalvageGroup]:
    appends: list[Append] = []
    sound, length, after = 0, 0, salvage.position
    for number, place, is_missing in zip(carved.ids, carved.locations, missing, strict=True):
        if number <= salvage.position:
            continue
        sound += 1
        if is_missing and (delivery := delivery_at(pages, place)):
            appends.append(Append(delivery.callback, read(delivery.callback), quiet=True))
            length += len(delivery.callback.body)
        if length > MAX_SLICE_BYTES or len(appends) >= GROUP_SIZE or sound >= 100 * GROUP_SIZE:
            yield SalvageGroup(salvage.folder, after, number, sound, tuple(appends), keep_raw)
            appends, sound, length, after = [], 0, 0, number
    if sound:
        yield SalvageGroup(salvage.folder, after, carved.ids[-1], sound, tuple(appends), keep_raw)
