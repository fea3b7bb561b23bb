"""Opens the log's file. Before anything is stored in the file, the file is created or migrated, and checked.

If opening fails with DamagedLog or OtherVersion, trying again does not help. After any other LogFault, trying again may
help. A file that another version of trayalert made is left untouched.

Existing logs are opened only through SQLite. If trayalert itself opened the file as well, closing its file descriptor
would drop SQLite's locks.
"""

import contextlib
import os
import sqlite3
import struct
import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from trayalert.domain.callback import Callback
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.text import printable
from trayalert.storage.companion_files import FileId, backups_of, file_id, file_ids, file_size
from trayalert.storage.faults import DamagedLog, LockedLog, LogFault, fault_of
from trayalert.storage.read_connection import connect_read_only, decode_text
from trayalert.storage.recovery.carver import deliveries_in
from trayalert.storage.recovery.cells import Delivery
from trayalert.storage.recovery.pages import Pages
from trayalert.storage.rows import TABLES, rewrite_numbering
from trayalert.storage.schema import migrate, refuse_other_version, schema_version

_OPENING_BUSY_TIMEOUT = 0.3
"""Seconds to wait for another program's lock while the log is being opened."""


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """A log that was opened, and what was found out during the opening."""

    connection: sqlite3.Connection
    file_ids: tuple[FileId, ...]
    """The identities of the log, its `-wal` and its `-shm` after opening, in this order."""

    unclean: bool
    """Whether the `-wal` had content before opening. If so, the previous process did not close the log cleanly."""
    new: bool
    """Whether the log did not exist and was created."""
    torn: tuple[Callback, ...] | None
    """If the last commit was cut off, the callbacks of that commit that can be read. Otherwise None.

    The log does not contain these callbacks.
    """
    lost: int
    """Number of committed pages that are missing from the `-wal`, according to the `-shm` of a killed process."""


def open_file(path: Path, *, busy_timeout: float, after_fault: bool = False, first: bool = False) -> OpenedLog:
    """Open the log, or create it if it does not exist.

    Commits on the returned connection wait up to `busy_timeout` seconds for another program's lock.

    If `after_fault` is set, the whole `-wal` is written into the log and synced before this function returns. After a
    failed sync, the end of the `-wal` may exist only in memory, and callbacks appended to such a `-wal` could be lost.

    Set `first` if this process has not tried to open the log before. An existing `-shm` was then left by a killed
    process, and shows whether committed pages are missing.

    Raise OtherVersion if another version of trayalert made the log, and DamagedLog if the file cannot be used as a log.
    Raise another LogFault if opening fails for any other reason.
    """
    _refuse_link(path)
    left = _read_companions(path, after_fault=after_fault, first=first)
    _prepare_files(path)
    connection, own = _connect(path)
    with contextlib.ExitStack() as on_error:
        on_error.callback(connection.close)
        try:
            opened = _set_up_log(connection, path, left, busy_timeout=busy_timeout, after_fault=after_fault)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise fault_of(error, path) from error
        if file_id(path) != own:  # a file without a name is lost when this process ends
            raise LogFault(
                Phrase(
                    "another file took the place of the log {path} while it was opened. It is tried again.", path=path
                )
            )
        on_error.pop_all()
    return opened


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise LogFault(
            Phrase(
                "a link was put in the place of the log {path} while trayalert ran, and SQLite would not find all of "
                "it there. Put the file itself there, or restart trayalert, which then follows the link.",
                path=path,
            )
        )


@dataclass(frozen=True, slots=True)
class _WalCommits:
    """The commits that the `-wal` appears to contain, read without SQLite.

    `ends` has the number of each commit's last frame. `last_deliveries` are the readable deliveries of the last commit.
    """

    ends: tuple[int, ...]
    last_deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class _Companions:
    """What the previous process left in the `-wal` and the `-shm`. Must be read before SQLite opens these files.

    `unclean` says whether the `-wal` had any content. `wal` is None if the `-wal` contains no commit or was not read.
    `committed` is the number of committed frames according to the `-shm`, or 0 if that number is unknown.
    """

    unclean: bool
    wal: _WalCommits | None
    committed: int


def _read_companions(path: Path, *, after_fault: bool, first: bool) -> _Companions:
    unclean = file_size(Path(f"{path}-wal")) > 0
    wal = _read_wal(path) if unclean and not after_fault else None
    return _Companions(unclean, wal, _committed_frames(path) if first else 0)


def _read_wal(path: Path) -> _WalCommits | None:
    with closing(Pages(path, only_wal=True)) as pages:
        commits = list(pages.commits()) if pages.has_current_frames else []
        if not commits:
            return None
        ends = tuple(pages.frame_number(commit[-1]) for commit in commits)
        return _WalCommits(ends, deliveries_in(pages, commits[-1]))


def _committed_frames(path: Path) -> int:
    """Return how many frames of the `-wal` are committed, according to the `-shm` that a killed process left.

    Return 0 if all frames are checkpointed. Also return 0 if there is no valid `-shm` that belongs to the `-wal`.

    Must be called before SQLite opens the `-shm`. Later, closing the file here would drop SQLite's locks on the file.
    Format of the `-shm`: https://www.sqlite.org/walformat.html.
    """
    try:
        with Path(f"{path}-shm").open("rb") as file:
            shm = file.read(100)
        salts = b""
        with contextlib.suppress(FileNotFoundError), Path(f"{path}-wal").open("rb") as file:
            salts = file.read(24)[16:]
    except OSError:
        return 0
    if len(shm) < 100 or shm[:48] != shm[48:96] or not shm[12] or salts not in {b"", shm[32:40]}:
        return 0
    (committed,), (written,) = struct.unpack_from("=I", shm, 16), struct.unpack_from("=I", shm, 96)
    return committed if written < committed else 0


def _prepare_files(path: Path) -> None:
    """Prepare and check the files before the log is opened for writing.

    Raise OtherVersion if another version of trayalert made the log. Raise DamagedLog if an existing log was emptied.
    """
    _restrict_permissions(path)
    _check_version(path)
    _refuse_empty(path)
    _remove_empty_companions(path)


def _restrict_permissions(path: Path) -> None:
    """Deny other users access to the file. SQLite then creates the `-wal` and the `-shm` with the same mode."""
    with contextlib.suppress(OSError):
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _check_version(path: Path) -> None:
    """Raise OtherVersion if another version of trayalert made the file. Does not write to the file.

    Other faults are ignored here, and are reported when the file is opened for writing.
    """
    if file_size(path) <= 0:
        return
    with (
        contextlib.suppress(sqlite3.Error, UnicodeDecodeError),
        closing(connect_read_only(path, timeout=_OPENING_BUSY_TIMEOUT)) as connection,
    ):
        refuse_other_version(connection, path)


def _refuse_empty(path: Path) -> None:
    """Raise DamagedLog if the file is empty, but a `-wal` or a backup shows that there was a log.

    If SQLite opened the empty file, SQLite would delete the `-wal`, which may contain callbacks.
    """
    if file_size(path) == 0 and (file_size(Path(f"{path}-wal")) > 0 or any(backups_of(path).glob("*.db"))):
        raise DamagedLog(path, Phrase("the file is empty"))


def _remove_empty_companions(path: Path) -> None:
    """Remove the `-wal` and the `-shm` if one of the two is read-only although the log is writable.

    Nothing is removed if the `-wal` has content. A reader creates these two files as read-only files if the log is
    read-only at that time.
    """
    wal, shm = Path(f"{path}-wal"), Path(f"{path}-shm")
    if file_size(wal) > 0 or not os.access(path, os.W_OK):
        return
    if any(beside.exists() and not os.access(beside, os.W_OK) for beside in (wal, shm)):
        with contextlib.suppress(OSError):
            wal.unlink(missing_ok=True)
            shm.unlink(missing_ok=True)


def _connect(path: Path) -> tuple[sqlite3.Connection, FileId]:
    """Connect to the file, or create it if it does not exist. Return the connection and the file's identity.

    Raise LogFault if the file cannot be created or opened.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        own = file_id(path)
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=_OPENING_BUSY_TIMEOUT, cached_statements=512
        )
    except (OSError, sqlite3.Error) as error:
        raise fault_of(error, path) from error
    return connection, own


def _set_up_log(
    connection: sqlite3.Connection, path: Path, left: _Companions, *, busy_timeout: float, after_fault: bool
) -> OpenedLog:
    """Migrate the log to the newest schema, and find out what is missing from the log."""
    cut_off = left.wal is not None and _is_cut_off(connection, path, left.wal)
    lost = _count_lost_frames(connection, left.committed) if left.committed and not cut_off else 0
    new = _set_up_schema(connection, path)
    torn = _missing_callbacks(connection, left.wal.last_deliveries) if left.wal and cut_off else None
    if after_fault:
        _sync_all(connection, path, busy_timeout=busy_timeout)
    connection.text_factory = decode_text  # damage in a name must not hide its incident
    connection.execute(f"PRAGMA busy_timeout = {busy_timeout * 1000:.0f}")
    return OpenedLog(connection, file_ids(path), left.unclean, new, torn, lost)


def _is_cut_off(connection: sqlite3.Connection, path: Path, wal: _WalCommits) -> bool:
    """Return whether the last commit in the `-wal` is incomplete. Raise DamagedLog if an earlier commit is incomplete.

    SQLite silently drops the first damaged frame and every frame after it. A power cut damages only the last commit,
    whose callbacks were not acknowledged. If earlier commits are damaged as well, the disk has lost data.
    """
    refuse_other_version(connection, path)
    busy, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    missing_ends = [] if busy or frames < 0 else [end for end in wal.ends if end > frames]
    if len(missing_ends) > 1:
        with closing(connect_read_only(path, timeout=5.0)) as reader:
            schema_version(reader)
            # SQLite deletes the `-wal` when the last connection closes, unless that connection is read-only. Here
            # `reader` closes last, so the damaged `-wal` is kept.
            connection.close()
        text = N_("its -wal is damaged: {usable:,} of {total:,} pages in it can be used")
        raise DamagedLog(path, Phrase(text, usable=frames, total=missing_ends[-1]))
    return bool(missing_ends)


def _count_lost_frames(connection: sqlite3.Connection, committed: int) -> int:
    """Return how many of the `committed` frames are missing from the `-wal`."""
    frames = int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
    return max(0, committed - max(0, frames))


def _missing_callbacks(connection: sqlite3.Connection, deliveries: Iterable[Delivery]) -> tuple[Callback, ...]:
    """Return the callbacks of those deliveries that are not in the log."""
    (highest,) = connection.execute("SELECT coalesce(max(id), 0) FROM delivery").fetchone()
    return tuple(delivery.callback for delivery in deliveries if delivery.id > highest)


def _set_up_schema(connection: sqlite3.Connection, path: Path) -> bool:
    """Migrate the file and set up the connection to sync each commit. Return whether the file is new."""
    refuse_other_version(connection, path)
    new = schema_version(connection) == 0
    if new:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise DamagedLog(path, Phrase("it is a database, but no log of trayalert's"))
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect only before the first table is created
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        text = N_("the log {path} cannot be used: its disk knows no write-ahead log. Use a local --data-dir.")
        raise LogFault(Phrase(text, path=path))
    connection.execute("PRAGMA synchronous = FULL")
    enable_full_fsync(connection)
    migrate(connection)
    _check_tables(connection, path)
    connection.execute("BEGIN IMMEDIATE")  # if the file is not writable, this fails now and not later
    connection.execute("ROLLBACK")
    return new


def enable_full_fsync(connection: sqlite3.Connection) -> None:
    """On macOS, make syncs reach the disk. A plain fsync there reaches only the drive's cache."""
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync = 1")
        connection.execute("PRAGMA checkpoint_fullfsync = 1")


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    sql = "SELECT (SELECT max(id) FROM {}), (SELECT max(id) FROM {}), (SELECT max(id) FROM {}), delivery FROM numbering"
    try:
        row = connection.execute(sql.format(*TABLES)).fetchone()
        connection.execute("SELECT 1 FROM secret_use, salvage LIMIT 0")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_ERROR:  # no such table, no such column
            reason = Phrase("it is a database, but no whole log of trayalert's ({error})", error=printable(str(error)))
            raise DamagedLog(path, reason) from error
        raise
    if row is None:
        connection.execute("INSERT INTO numbering VALUES (0, 0, 0, 0)")


def _sync_all(connection: sqlite3.Connection, path: Path, *, busy_timeout: float) -> None:
    connection.execute("BEGIN IMMEDIATE")
    rewrite_numbering(connection)
    connection.execute("COMMIT")
    connection.execute(f"PRAGMA busy_timeout = {busy_timeout * 1000:.0f}")
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise LockedLog(
            Phrase(
                "the log {path} cannot be written: after a fault all of it is synced anew, and another program that "
                "reads it keeps that from happening. End that program; trayalert goes on by itself.",
                path=path,
            )
        )
