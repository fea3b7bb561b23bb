"""The quarantine: logs that cannot be used, or that a backup has replaced, and their registration for the salvage.

Nothing in it is deleted. Each file that was moved aside has a folder of its own, with the reason. Files are renamed, so
that a full disk does not stop it; `finish_move` finishes what a kill has cut short.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from trayalert.clock import now
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime
from trayalert.durable_file import sync_folder, write_private
from trayalert.storage.companion_files import quarantine_of, restored_of
from trayalert.storage.faults import LogFault
from trayalert.storage.read_connection import connect_read_only
from trayalert.storage.rows import TABLES, LastIds, last_id, raise_numbering
from trayalert.storage.schema import schema_version

_REASON_FILE = "why.txt"
_RESULT_FILE = "salvage.txt"
UNSALVAGED = "waits to be salvaged"
_COMPANION_SUFFIXES = ("-wal", "-journal")
"""Files that SQLite keeps beside the log and that must move with it. `-shm` holds nothing of its own."""

_MAX_ID = 2**53
"""A higher id is damage."""

_SMALLEST_ROW = 30
"""Bytes of a delivery with nothing in it."""


def move_aside(log: Path, *, reason: str, now: Millis) -> Path:
    """Move the log's files into a new folder of the quarantine, which is returned. Nobody may have the log open.

    Raise LogFault if that is impossible; the log is then where it was.
    """
    folder = None
    try:
        folder = create_folder(log, reason=reason, now=now)
        write_salvage_result(folder, UNSALVAGED)
        _move(log, folder)
    except OSError as error:
        if folder is not None:
            remove_unused_folder(folder)
        raise LogFault(
            f"the log {log} cannot be moved aside to {quarantine_of(log)}: {error.strerror or error}. "
            "Is the folder writable?"
        ) from error
    return folder


def create_folder(log: Path, *, reason: str, now: Millis) -> Path:
    """Make a new folder, with the reason for people to read. Raise OSError."""
    quarantine = quarantine_of(log)
    quarantine.mkdir(mode=0o700, exist_ok=True)
    moment = as_datetime(now)
    for number in itertools.count(1):
        folder = quarantine / f"{moment:%Y%m%dT%H%M%SZ}-{number}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            break
    text = f"{reason}\nmoved aside {moment.isoformat(timespec='seconds')}, was {log}\n"
    _write(folder / _REASON_FILE, text)
    return folder


def finish_move(log: Path) -> None:
    """Finish a move that a kill has cut short, before the log is opened. Raise LogFault.

    If the log is gone and its `-wal` is not, the log was on its way into the quarantine: SQLite would delete that
    `-wal`. If it belongs to no such log, it is kept by itself. A restored backup that waits is put in place.
    """
    restored = restored_of(log)
    try:
        for left in log.parent.glob(f"{restored.name}.part*"):
            left.unlink(missing_ok=True)
        if log.exists():
            restored.unlink(missing_ok=True)  # the kill came before the log was moved: nothing was restored
            return
        folder = next(iter(reversed(unsalvaged_folders(log))), None)
        if folder is not None and not any((folder / f"{log.name}{end}").exists() for end in _COMPANION_SUFFIXES):
            _move(log, folder)
        elif any(_is_nonempty(Path(f"{log}{end}")) for end in _COMPANION_SUFFIXES):
            _move(log, create_folder(log, reason="the log itself was gone; this was left beside it", now=now()))
        if restored.exists():
            restored.rename(log)
            sync_folder(log.parent)
    except OSError as error:
        raise LogFault(f"the folder of the log {log} cannot be used: {error.strerror or error}.") from error


def quarantined_folders(log: Path) -> list[Path]:
    """Return the folders of the quarantine that hold a log, the oldest first."""
    try:
        folders = [folder for folder in quarantine_of(log).iterdir() if (folder / log.name).exists()]
    except OSError:
        return []
    return sorted(folders, key=_creation_order)


def read_reason(folder: Path) -> str:
    """Return why the file was moved aside; empty if that is not known."""
    return printable(next(iter(_read(folder / _REASON_FILE).splitlines()), ""), limit=500)


def unsalvaged_folders(log: Path) -> list[Path]:
    """Return the folders of logs that were moved aside and are not salvaged, the oldest first.

    A folder without a result is one of them: a full disk may have prevented it. What is salvaged twice is stored once.
    """
    return [folder for folder in quarantined_folders(log) if read_salvage_result(folder) in {UNSALVAGED, ""}]


def register_salvages(
    connection: sqlite3.Connection, log: Path, *, now: Millis, delivery_ranges: Mapping[str, tuple[int, int]]
) -> None:
    """Begin the salvage of each unsalvaged folder that the log does not know yet; none of its ids is given away again.

    `delivery_ranges`: first and last delivery by folder, where the file itself need not be asked. Inside a transaction.
    """
    for folder in unsalvaged_folders(log):
        if connection.execute("SELECT 1 FROM salvage WHERE folder = ?", (folder.name,)).fetchone():
            continue
        deliveries = delivery_ranges.get(folder.name) or delivery_range(folder / log.name)
        connection.execute(
            "INSERT INTO salvage (folder, why, begun_at, first, last, position, salvaged, damaged, missing)"
            " VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0)",
            (folder.name, read_reason(folder), now, *deliveries),
        )
        raise_numbering(connection, last_ids(folder / log.name))


def read_salvage_result(folder: Path) -> str:
    """Return what became of the file's deliveries; empty if that is not known."""
    return printable(_read(folder / _RESULT_FILE), limit=500)


def write_salvage_result(folder: Path, text: str) -> None:
    """Write down what became of the file's deliveries, or UNSALVAGED."""
    _write(folder / _RESULT_FILE, f"{text}\n")


def last_ids(log: Path) -> LastIds:
    """Return the highest ids that the file has given away.

    If one cannot be read, the seconds since 1970 take its place, so that no id is ever given away twice.
    """
    ids = [now() // 1000] * 3
    with contextlib.suppress(sqlite3.Error, ValueError), _open_read_only(log) as connection:
        if schema_version(connection) > 0:
            for index, table in enumerate(TABLES):
                with contextlib.suppress(sqlite3.Error, ValueError):
                    ids[index] = _valid_id(last_id(connection, table))
    delivery, alert, incident = ids
    return delivery, alert, incident


def delivery_range(log: Path) -> tuple[int, int]:
    """Return the ids of the file's first and last delivery, as far as they can be read, else 0.

    Alerts name their deliveries: if one of the two tables has lost its ends, the other may have them.
    """
    max_count = sum(path.stat().st_size for path in (log, Path(f"{log}-wal")) if path.exists()) // _SMALLEST_ROW
    found: list[int] = []
    for sql in ("SELECT min(delivery_id), max(delivery_id) FROM alert", "SELECT min(id), max(id) FROM delivery"):
        with contextlib.suppress(sqlite3.Error, ValueError, TypeError), _open_read_only(log) as connection:
            found += map(int, connection.execute(sql).fetchone())
    if not found or min(found) < 1 or max(found) - min(found) >= max_count:  # more than fit in: damage
        return 0, 0
    return min(found), max(found)


def read_thinned(log: Path) -> int:
    """Return the last delivery that the file's retention has deleted; 0 if that cannot be read."""
    thinned = 0
    with contextlib.suppress(sqlite3.Error, ValueError, TypeError), _open_read_only(log) as connection:
        thinned = _valid_id(int(connection.execute("SELECT max(thinned) FROM numbering").fetchone()[0]))
    return thinned


def _is_nonempty(path: Path) -> bool:
    """Whether there is a file with content. Raise OSError if that is unknown: a `-wal` may hold callbacks."""
    return path.exists() and path.stat().st_size > 0


@contextlib.contextmanager
def _open_read_only(log: Path) -> Iterator[sqlite3.Connection]:
    """Open the file with a connection that cannot write, and leave nothing beside it."""
    made_here = [path for path in (Path(f"{log}-wal"), Path(f"{log}-shm")) if not path.exists()]
    try:
        with closing(connect_read_only(log, timeout=5.0)) as connection:
            yield connection
    finally:
        for path in made_here:
            path.unlink(missing_ok=True)


def _valid_id(number: int) -> int:
    if not 0 <= number < _MAX_ID:
        raise ValueError(f"{number} is damage")
    return number


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    """Write a file for people; a full disk must not stop what is done."""
    with contextlib.suppress(OSError):
        write_private(path, text.encode("utf-8", "replace").decode())


def _move(log: Path, folder: Path) -> None:
    """Rename the log, then its companions. The log first: alone, without its `-wal`, it would pass for whole."""
    for path in (log, *(Path(f"{log}{end}") for end in _COMPANION_SUFFIXES)):
        try:
            path.rename(folder / path.name)
        except FileNotFoundError:
            continue
        with contextlib.suppress(OSError):
            (folder / path.name).chmod(0o600)
    with contextlib.suppress(OSError):
        Path(f"{log}-shm").unlink()
    for changed in (folder, folder.parent, log.parent):
        sync_folder(changed)


def remove_unused_folder(folder: Path) -> None:
    """Remove a folder into which nothing could be moved."""
    with contextlib.suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {_REASON_FILE, _RESULT_FILE}:
            (folder / _REASON_FILE).unlink(missing_ok=True)
            (folder / _RESULT_FILE).unlink(missing_ok=True)
            folder.rmdir()


def _creation_order(folder: Path) -> tuple[str, int]:
    stamp, _, number = folder.name.rpartition("-")
    return stamp, int(number) if number.isdecimal() else 0
