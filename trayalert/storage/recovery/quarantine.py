"""The quarantine: a folder into which unusable and replaced logs are moved, so that they can be salvaged.

trayalert never deletes a log in the quarantine, even after the log has been salvaged. Each log gets a separate folder,
with a text file that says why the log was moved. Files are moved by renaming them, which also works on a full disk. If
trayalert is killed during a move, `finish_move` completes the move at the next start.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from trayalert.clock import now
from trayalert.domain.fault import os_reason
from trayalert.domain.phrase import N_, Phrase, phrase_to_text
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
UNSALVAGED = N_("waits to be salvaged")
_COMPANION_SUFFIXES = ("-wal", "-journal")
"""Suffixes of the SQLite files that are moved together with a log.

The `-shm` is not moved, because SQLite can rebuild it.
"""

_MAX_ID = 2**53
"""Upper limit for valid ids. A higher id can only come from damage."""

_SMALLEST_ROW = 30
"""Size in bytes of a delivery's row in which all strings and the body are empty."""


def move_aside(log: Path, *, reason: str, now: Millis) -> Path:
    """Move the log's files into a new quarantine folder. Return the folder. The log must not be open.

    Raise LogFault if the log cannot be moved. After a failure, either the log is still at its path, or the next
    `finish_move` completes the move.
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
            Phrase(
                "the log {path} cannot be moved aside to {folder}: {reason}. Is the folder writable?",
                path=log,
                folder=quarantine_of(log),
                reason=os_reason(error),
            )
        ) from error
    return folder


def create_folder(log: Path, *, reason: str, now: Millis) -> Path:
    """Create a new quarantine folder with a text file that contains the reason. Raise OSError on failure."""
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
    """Complete a move or a restore that was interrupted because trayalert was killed. Raise LogFault on failure.

    This function must be called before the log is opened. If there is no log at its path, the function does two things:

    1. It moves a `-wal` that was left behind, because SQLite would delete a `-wal` that has no log. The `-wal` is moved
       into the quarantine folder of its log. If this folder already has a `-wal` or cannot be found, the `-wal` is
       moved into a new quarantine folder.
    2. If there is a restored backup, the function renames it to the log.
    """
    restored = restored_of(log)
    try:
        for left in log.parent.glob(f"{restored.name}.part*"):
            left.unlink(missing_ok=True)
        if log.exists():
            restored.unlink(missing_ok=True)  # killed before the log was moved: the restore did not happen
            return
        folder = next(iter(reversed(unsalvaged_folders(log))), None)
        if folder is not None and not any((folder / f"{log.name}{end}").exists() for end in _COMPANION_SUFFIXES):
            _move(log, folder)
        elif any(_is_nonempty(Path(f"{log}{end}")) for end in _COMPANION_SUFFIXES):
            reason = Phrase("the log itself was gone; this was left beside it")
            _move(log, create_folder(log, reason=reason, now=now()))
        if restored.exists():
            restored.rename(log)
            sync_folder(log.parent)
    except OSError as error:
        text = N_("the folder of the log {path} cannot be used: {reason}.")
        raise LogFault(Phrase(text, path=log, reason=os_reason(error))) from error


def quarantined_folders(log: Path) -> list[Path]:
    """Return the quarantine folders that hold a log, oldest first."""
    try:
        folders = [folder for folder in quarantine_of(log).iterdir() if (folder / log.name).exists()]
    except OSError:
        return []
    return sorted(folders, key=_creation_order)


def read_reason(folder: Path) -> str:
    """Return why the log in a quarantine folder was moved aside, or an empty string if the reason is unknown.

    The reason is in English. It is a Phrase, because the catalogues contain the reasons that name no details.
    """
    reason = printable(next(iter(_read(folder / _REASON_FILE).splitlines()), ""), limit=500)
    return Phrase(reason) if reason else ""


def unsalvaged_folders(log: Path) -> list[Path]:
    """Return the quarantine folders whose logs have not been salvaged yet, oldest first.

    A full disk may have prevented the result of a salvage from being written. A folder without a result therefore
    counts as not salvaged. Salvaging a log twice does no harm: each of its deliveries is stored only once.
    """
    return [folder for folder in quarantined_folders(log) if read_salvage_result(folder) in {UNSALVAGED, ""}]


def register_salvages(
    connection: sqlite3.Connection,
    log: Path,
    *,
    now: Millis,
    delivery_ranges: Mapping[str, tuple[int, int]],
    reasons: Mapping[str, str],
) -> None:
    """Register the unsalvaged folders in the log's table `salvage`, and reserve the ids that their logs have assigned.

    Folders that are already registered are skipped. The log never assigns a reserved id. `delivery_ranges` maps the
    name of a folder to the ids of the first and the last delivery, and `reasons` maps it to the reason why the log was
    moved there. For folders without an entry, the ids are read from the quarantined file, and the reason from the text
    file beside it. This function must be called inside a transaction.
    """
    for folder in unsalvaged_folders(log):
        if connection.execute("SELECT 1 FROM salvage WHERE folder = ?", (folder.name,)).fetchone():
            continue
        deliveries = delivery_ranges.get(folder.name) or delivery_range(folder / log.name)
        connection.execute(
            "INSERT INTO salvage (folder, why, begun_at, first, last, position, salvaged, damaged, missing)"
            " VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0)",
            (folder.name, phrase_to_text(reasons.get(folder.name) or read_reason(folder)), now, *deliveries),
        )
        raise_numbering(connection, last_ids(folder / log.name))


def read_salvage_result(folder: Path) -> str:
    """Return the result of salvaging the log in a quarantine folder, or an empty string if the result is unknown."""
    result = printable(_read(folder / _RESULT_FILE), limit=500)
    return Phrase(UNSALVAGED) if result == UNSALVAGED else result


def write_salvage_result(folder: Path, text: str) -> None:
    """Write the result of salvaging a log into its quarantine folder.

    Until the log has been salvaged, the result is UNSALVAGED.
    """
    _write(folder / _RESULT_FILE, f"{text}\n")


def last_ids(log: Path) -> LastIds:
    """Return the highest delivery id, alert id and incident id that the file has ever assigned.

    In place of an id that cannot be read, the number of seconds since 1970 is returned. This number is so high that no
    id is assigned twice.
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
    """Return the ids of the file's first and last delivery, or (0, 0) if they cannot be read or are damaged.

    Each alert contains the id of its delivery. The ids are therefore read from two tables, the deliveries and the
    alerts. If one table has lost its first or last rows, the other table may still have the ids.
    """
    max_count = sum(path.stat().st_size for path in (log, Path(f"{log}-wal")) if path.exists()) // _SMALLEST_ROW
    found: list[int] = []
    for sql in ("SELECT min(delivery_id), max(delivery_id) FROM alert", "SELECT min(id), max(id) FROM delivery"):
        with contextlib.suppress(sqlite3.Error, ValueError, TypeError), _open_read_only(log) as connection:
            found += map(int, connection.execute(sql).fetchone())
    if not found or min(found) < 1 or max(found) - min(found) >= max_count:  # more than the file can hold
        return 0, 0
    return min(found), max(found)


def read_thinned(log: Path) -> int:
    """Return the id of the last delivery that retention has deleted from the file, or 0 if the id cannot be read."""
    thinned = 0
    with contextlib.suppress(sqlite3.Error, ValueError, TypeError), _open_read_only(log) as connection:
        thinned = _valid_id(int(connection.execute("SELECT max(thinned) FROM numbering").fetchone()[0]))
    return thinned


def _is_nonempty(path: Path) -> bool:
    """Return whether the file exists and has content. Raise OSError if the file cannot be examined.

    An error is not reported as False, because a `-wal` with callbacks must never be mistaken for an empty `-wal`.
    """
    return path.exists() and path.stat().st_size > 0


@contextlib.contextmanager
def _open_read_only(log: Path) -> Iterator[sqlite3.Connection]:
    """Open a read-only connection to the log for a `with` block.

    At the end of the block, delete the `-wal` and the `-shm` if they did not exist before the block.
    """
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
    """Write a text file for the user. Errors are ignored, because a full disk must not stop the caller."""
    with contextlib.suppress(OSError):
        write_private(path, text.encode("utf-8", "replace").decode())


def _move(log: Path, folder: Path) -> None:
    """Move the log into the folder, and then its `-wal` and its `-journal`.

    The log must be moved first. If trayalert were killed after moving only the `-wal`, the remaining log would be taken
    for complete.
    """
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
    """Remove a quarantine folder into which no log could be moved."""
    with contextlib.suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {_REASON_FILE, _RESULT_FILE}:
            (folder / _REASON_FILE).unlink(missing_ok=True)
            (folder / _RESULT_FILE).unlink(missing_ok=True)
            folder.rmdir()


def _creation_order(folder: Path) -> tuple[str, int]:
    stamp, _, number = folder.name.rpartition("-")
    return stamp, int(number) if number.isdecimal() else 0
