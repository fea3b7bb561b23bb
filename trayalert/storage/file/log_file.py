"""The log's file as the writer has it open: opened, watched, and left or moved aside when necessary.

The rule: what the open connection has acknowledged is in a file when the connection closes, whatever happened to names.
"""

import contextlib
import sqlite3
import time
from pathlib import Path

from trayalert.clock import now
from trayalert.domain.callback import Callback
from trayalert.storage.companion_files import FileId, file_id, file_ids, size_and_mtime
from trayalert.storage.faults import DamagedLog, DiskFull, LogFault, fault_of
from trayalert.storage.file.disk_space import delete_reserve_file
from trayalert.storage.file.opened_log import BUSY_TIMEOUT, OpenedLog, open_file
from trayalert.storage.file.unlinked_file import copy_to_quarantine, current_path, recreate_log
from trayalert.storage.file.verification import Verification, damage_in_newest_rows
from trayalert.storage.read_connection import register, unregister
from trayalert.storage.recovery.backups import list_backups
from trayalert.storage.recovery.quarantine import (
    create_folder,
    finish_move,
    move_aside,
    register_salvages,
    unsalvaged_folders,
)
from trayalert.storage.rows import TABLES, LastIds, last_id, raise_numbering

_RETRY_INTERVAL = 0.2
"""Seconds between two tries to open; in between, the last fault is raised again."""

_VERIFICATION_WAIT = 0.7
"""Seconds that opening waits for the verification after an unclean end; it goes on in the background."""

_LARGE_WAL = 1 << 20

_VERIFICATION_INTERVAL = 600.0
"""Seconds between verifications of a file that keeps changing: who only appends meets no damage in its middle."""


class LogFile:
    """Holds the file open for one thread. With `recover` it moves damaged files aside, else it leaves them alone.

    `torn` are callbacks of a commit that was cut off (None: there was none); the writer stores them first.
    """

    def __init__(self, path: Path, *, recover: bool) -> None:
        self.news: tuple[str, ...] = ()
        self.new_file = 0
        self.former_logs = 0
        self.torn: tuple[Callback, ...] | None = None
        self._path = path
        self._recover = recover
        self._opened: OpenedLog | None = None
        self._open_attempted = False
        self._last_file: FileId = None
        self._delivery_ranges: dict[str, tuple[int, int]] = {}
        self._own_stat = (-1, 0)
        self._changed_elsewhere = False
        self._last_ids: LastIds = (0, 0, 0)
        self._after_fault = False
        self._last_fault: LogFault | None = None
        self._retry_at = 0.0
        self._verification: Verification | None = None
        self._last_stat: tuple[int, int] | None = None
        self._verify_at = 0.0
        self._verify_again = False

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection; `ensure_open` comes first."""
        if self._opened is None:
            raise LogFault(f"the log {self._path} is not open")
        return self._opened.connection

    def ensure_open(self) -> None:
        """Have the file at the path open. Raise LogFault if that is impossible."""
        if self._opened and self._verification is None and self._is_untouched(self._opened):
            return
        if self._last_fault and time.monotonic() < self._retry_at:
            raise self._last_fault.with_traceback(None)
        try:
            self._apply_verification()
            if self._opened and file_ids(self._path) != self._opened.file_ids:
                self._detach(self._opened)
            if self._opened and not self._is_untouched(self._opened):
                self.replace_damaged(DamagedLog(self._path, "another file was copied over it while trayalert ran"))
            if self._opened is None:
                self._open()
        except LogFault as fault:
            self._last_fault, self._retry_at = fault, time.monotonic() + _RETRY_INTERVAL
            raise
        self._last_fault = None

    def _is_untouched(self, opened: OpenedLog) -> bool:
        """Whether the files are those that were opened, and no other content was copied into the log's."""
        if file_ids(self._path) != opened.file_ids:
            return False
        stat = size_and_mtime(self._path)
        if stat == self._own_stat:
            return True
        sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        try:
            (max_size,) = opened.connection.execute(sql).fetchone()
        except sqlite3.Error as error:
            fault = fault_of(error, self._path)
            if isinstance(fault, DamagedLog):
                return False
            raise fault from error
        if stat[0] != self._own_stat[0] and not self._own_stat[0] < stat[0] <= max_size and stat[0] != max_size:
            return False
        self._own_stat, self._changed_elsewhere = stat, True  # of a checkpoint that another program has made, perhaps
        return True

    def note_own_write(self) -> None:
        """Note size and time of the file after a write of this connection."""
        self._own_stat = size_and_mtime(self._path)

    def _apply_verification(self) -> None:
        if self._verification and self._verification.is_finished():
            damage, self._verification = self._verification.damage, None
            if damage:
                self.replace_damaged(DamagedLog(self._path, damage))
            elif self._verify_again:
                self.verify()

    def close_after_fault(self) -> None:
        """Close the file after a fault; the next job opens it and syncs all of it again."""
        self._after_fault = True
        self.close()

    def check(self) -> None:
        """Check in a quiet moment that the file is there and that others can read it. Raise LogFault."""
        self.ensure_open()
        damage = damage_in_newest_rows(self._path)
        if damage:
            self.replace_damaged(DamagedLog(self._path, damage))
        elif self._recover and (self._has_changed() or self._changed_elsewhere):
            self.verify()

    def truncate_wal(self) -> None:
        """Empty a large `-wal` in a quiet moment."""
        with contextlib.suppress(OSError, sqlite3.Error, LogFault):
            if Path(f"{self._path}-wal").stat().st_size > _LARGE_WAL:
                self.connection.execute("PRAGMA busy_timeout = 50")  # readers come first, and it is tried again
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.note_own_write()
        with contextlib.suppress(sqlite3.Error, LogFault):
            self.connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:.0f}")

    @property
    def verifying(self) -> bool:
        """Whether the file is being verified now."""
        return self._verification is not None

    def _has_changed(self) -> bool:
        """Whether the file has shrunk, or has changed and was not verified for long."""
        found = self._path.stat()
        before, self._last_stat = self._last_stat, (found.st_size, found.st_mtime_ns)
        if before is None or before == self._last_stat:
            return False
        return self._last_stat[0] < before[0] or time.monotonic() >= self._verify_at

    def verify(self) -> None:
        """Verify the file; once more if a verification is going on, as it may be past the damage."""
        self._verify_again = self._verification is not None
        if self._opened and not self._verify_again:
            self._verify_at = time.monotonic() + _VERIFICATION_INTERVAL
            self._verification = Verification(self._path, thorough=self._changed_elsewhere)
            self._changed_elsewhere = False

    def replace_damaged(self, fault: DamagedLog) -> None:
        """Move the file aside and begin a new one. Raise LogFault."""
        if not self._recover:
            raise fault
        self._after_fault = True
        deliveries = self._delivery_range()
        self.close()
        folder = move_aside(self._path, reason=fault.reason, now=now())
        if deliveries:
            self._delivery_ranges[folder.name] = deliveries
        self._open_at_path()
        self.note_own_write()
        self._after_fault = False
        self.add_news(
            f"The log was damaged ({fault.reason}). It was moved to {folder}, a new one was begun, and what can still "
            "be read is taken over."
        )

    def _delivery_range(self) -> tuple[int, int] | None:
        """Return the first and the last delivery, as far as the open connection can still tell."""
        if self._opened is None:
            return None
        try:
            first, last = self._opened.connection.execute("SELECT min(id), max(id) FROM delivery").fetchone()
        except (sqlite3.Error, UnicodeDecodeError):
            return None
        return (first, last) if first else None

    def close(self) -> None:
        """Close the file; what was committed is safe without it."""
        if self._verification:
            self._verification.stop()
            self._verification = None
        if self._opened:
            opened, self._opened = self._opened, None
            with contextlib.suppress(sqlite3.Error):
                opened.connection.close()
            unregister(self._path)

    def _open(self) -> None:
        finish_move(self._path)
        try:
            self._open_at_path()
        except DamagedLog as damaged:
            self.replace_damaged(damaged)
            return
        self.note_own_write()
        self._after_fault = False
        if self._opened and self._opened.new and not self.former_logs and list_backups(self._path):
            self.add_news(
                f"There was no log {self._path} any more, though there are backups of one: a new one was begun. What "
                "was open is not known. `trayalert restore` brings the newest backup back."
            )

    def _open_at_path(self) -> None:
        first, self._open_attempted = not self._open_attempted, True
        try:
            opened = open_file(self._path, after_fault=self._after_fault, first=first)
        except DiskFull:
            if not delete_reserve_file(self._path):
                raise
            opened = open_file(self._path, after_fault=self._after_fault)
        if self._last_file not in {None, opened.file_ids[0]}:
            self.new_file += 1
        self._opened, self._last_file = opened, opened.file_ids[0]
        register(self._path, opened.file_ids[0])
        self._register_former_logs(opened.connection)
        if opened.torn is not None:
            self.torn = opened.torn
        if opened.lost:
            self.add_news(
                f"The end of the log's -wal is gone: {opened.lost:,} pages of it. Callbacks that were answered shortly "
                "before trayalert was stopped the last time are missing, and how many cannot be told. Look into Cloud "
                "Monitor's alert history."
            )
        if self._recover and not opened.new:
            self._verification = Verification(self._path)
            seconds = _VERIFICATION_WAIT if opened.unclean or self._after_fault else 0.0
            if self._verification.is_finished(within=seconds) and (damage := self._verification.damage):
                self.close()
                raise DamagedLog(self._path, damage)

    def _register_former_logs(self, connection: sqlite3.Connection) -> None:
        """Register the logs that wait to be salvaged (not only of this run), and give none of their ids away again."""
        try:
            if unsalvaged_folders(self._path) or any(self._last_ids):  # opening takes no lock in vain
                connection.execute("BEGIN IMMEDIATE")
                register_salvages(connection, self._path, now=now(), delivery_ranges=self._delivery_ranges)
                raise_numbering(connection, self._last_ids)
                connection.execute("COMMIT")
                self._last_ids = (0, 0, 0)
            (unfinished,) = connection.execute("SELECT count(*) FROM salvage WHERE finished_at IS NULL").fetchone()
            self.former_logs += unfinished
        except sqlite3.Error as error:
            self.close()
            raise fault_of(error, self._path) from error

    def _detach(self, opened: OpenedLog) -> None:
        """Close a file that was renamed, replaced or deleted; its content must be in a file that stays."""
        connection, (own, own_wal, own_shm) = opened.connection, opened.file_ids
        busy = True
        with contextlib.suppress(sqlite3.Error, ValueError):
            delivery, alert, incident = (last_id(connection, table) for table in TABLES)
            self._last_ids = delivery, alert, incident
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        present = file_id(self._path)
        if present == own and self._path.stat().st_size == 0:
            self.replace_damaged(DamagedLog(self._path, "the file was emptied while trayalert ran"))
            return
        if present == own and not busy:  # only what lies beside it was taken: all of that is in the log now
            self._last_ids = (0, 0, 0)
            self.close()
            return
        moved_to = current_path(own)
        try:
            sentence = self._copy_unlinked(connection, None if present == own else present, moved_to)
        except (OSError, sqlite3.Error) as error:
            was = f"was {_removal_text(self._path, moved_to)}"
            raise LogFault(
                f"the log {self._path} {was} while trayalert ran, and cannot be written again: {error}. Is its "
                "folder there, and writable? Do not end trayalert: it is tried again, and what is stored lives in it."
            ) from error
        self.close()
        self._remove_own_wal(own_wal, own_shm, moved_to)
        if self._path.parent.exists():
            self.add_news(sentence)

    def _copy_unlinked(self, connection: sqlite3.Connection, present: FileId, moved_to: Path | None) -> str:
        """Write the log where it is found again: no firing incident may vanish because a file was moved."""
        if present is None:
            recreate_log(connection, self._path)
            return (
                f"The log {self._path} was {_removal_text(self._path, moved_to)} while trayalert ran. It was written "
                "again from what was open; nothing is lost."
            )
        reason = "another file was put in its place while trayalert ran"
        folder = copy_to_quarantine(connection, self._path, reason=reason, now=now())
        return (
            f"Another file took the place of the log {self._path} while trayalert ran; that one is used now. What was "
            f"stored before lies in {folder}, and is taken over."
        )

    def _remove_own_wal(self, own_wal: FileId, own_shm: FileId, moved_to: Path | None) -> None:
        """Remove our `-wal` from beside another file: SQLite would write it into that one.

        If a reader has kept it from being emptied, it goes with the file that was moved away.
        """
        wal, shm = Path(f"{self._path}-wal"), Path(f"{self._path}-shm")
        with contextlib.suppress(OSError):
            if own_wal and file_id(wal) == own_wal:
                if wal.stat().st_size == 0:
                    wal.unlink()
                elif moved_to and not Path(f"{moved_to}-wal").exists():
                    wal.rename(f"{moved_to}-wal")
                else:
                    wal.rename(create_folder(self._path, reason=f"this belongs to {moved_to}", now=now()) / wal.name)
            if own_shm and file_id(shm) == own_shm:
                shm.unlink()

    def add_news(self, sentence: str) -> None:
        """Add a sentence on what was done to the file."""
        self.news = (*self.news, sentence)[-3:]


def _removal_text(path: Path, moved_to: Path | None) -> str:
    if moved_to == path:
        return "parted from its -wal"
    return f"moved to {moved_to}" if moved_to else "deleted"
