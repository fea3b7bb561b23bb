"""Keeps the log's file open for the writer and checks the file. Closes the file or moves it aside if necessary.

The rule: before the connection closes, all committed data is in a file that has a name. This rule also applies if the
log was renamed, replaced or deleted while the log was open.
"""

import contextlib
import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from trayalert.clock import now
from trayalert.domain.callback import Callback
from trayalert.domain.phrase import Phrase
from trayalert.storage.companion_files import FileId, file_id, file_ids, size_and_mtime
from trayalert.storage.faults import DamagedLog, DiskFull, LogFault, fault_of
from trayalert.storage.file.disk_space import delete_reserve_file
from trayalert.storage.file.opened_log import OpenedLog, open_file
from trayalert.storage.file.unlinked_file import current_path, remove_own_wal, save_unlinked
from trayalert.storage.file.verification import Verification, VerificationSchedule, damage_in_newest_rows
from trayalert.storage.read_connection import register, unregister
from trayalert.storage.recovery.backups import list_backups
from trayalert.storage.recovery.quarantine import finish_move, move_aside, register_salvages, unsalvaged_folders
from trayalert.storage.rows import TABLES, LastIds, last_id, raise_numbering

_LARGE_WAL = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFileTiming:
    """Timeouts and intervals for the log's file, in seconds."""

    retry_interval: float = 0.2
    """After a failure, `ensure_open` raises the same fault for this time, without trying to open the file."""
    busy_timeout: float = 2.0
    """How long a commit waits for another program's lock."""
    busy_timeout_after_fault: float = 0.1
    """Replaces `busy_timeout` during a fault. The sender of a callback then gets 503 without delay."""
    verification_wait: float = 0.7
    """Maximum time to wait for the verification of a file that was just opened.

    A longer verification continues in the background. If the log was closed cleanly and there was no fault, there is no
    wait.
    """
    verification_interval: float = 600.0
    """Time between two verifications of a file that keeps changing.

    The writer only appends, so the writer itself would not notice damage in the middle of the file.
    """


@dataclass(frozen=True, slots=True)
class _Closed:
    """The state without a connection. The next call of `ensure_open` opens the file."""

    first: bool = False
    """Whether this process has not tried to open the file yet."""
    after_fault: bool = False
    """Whether a fault has occurred. If true, the whole file is synced when the file is opened the next time."""


@dataclass(slots=True)
class _Open:
    """The state with a connection. In this state, `ensure_open` checks that the open files are still at their paths."""

    log: OpenedLog
    own_stat: tuple[int, int] = (-1, 0)
    """Size in bytes and modification time in nanoseconds of the file after its latest known change.

    A known change is a write of this connection or a checkpoint by another program. If the current values differ,
    `ensure_open` checks whether another file was copied over the log.
    """
    verification: Verification | None = None
    """The verification whose result has not been handled yet, or None. The verification may still be running."""


class _Failure(NamedTuple):
    """A fault that `ensure_open` has raised. `ensure_open` repeats the fault until the monotonic time `retry_at`."""

    fault: LogFault
    retry_at: float


class LogFile:
    """Keeps the log's file open, for use by one thread at a time. If `recover` is set, a damaged file is moved aside.

    The attributes for the writer:

    - `torn`: the readable callbacks of a commit during which the previous process was cut off, or None. The writer must
      store these callbacks before anything else.
    - `news`: the last three messages about what was done to the file.
    - `new_file`: how often another file has taken the log's place.
    - `former_logs`: a number that grows each time the file is opened and a quarantined log waits to be salvaged.

    | from   | when                                          | by                  | to                               |
    |--------|-----------------------------------------------|---------------------|----------------------------------|
    | Closed | `ensure_open` is called                       | `_open`             | Open                             |
    | Open   | the log, its `-wal` or its `-shm` was moved,  | `_save_and_close`   | Closed, with the content saved   |
    |        | deleted or replaced                           |                     |                                  |
    | any    | the file is damaged, or another file was      | `replace_damaged`   | Closed after a fault (the file   |
    |        | copied over it                                |                     | is moved aside), then Open with  |
    |        |                                               |                     | a new file                       |
    | any    | the disk has a fault                          | `close_after_fault` | Closed after a fault             |
    | any    | the program or the command ends               | `close`             | Closed                           |

    If a transition fails, its method raises LogFault. The state after the failure is one of these:

    - Still Open, if the content could not be saved.
    - Unchanged, if the file is damaged and `recover` is not set.
    - Closed in all other cases. Then `after_fault` stays set if it was set before.

    A verification runs only in the state Open. Closing the file stops the verification.
    """

    def __init__(self, path: Path, *, recover: bool, timing: LogFileTiming = LogFileTiming()) -> None:
        self.news: tuple[str, ...] = ()
        self.new_file = 0
        self.former_logs = 0
        self.torn: tuple[Callback, ...] | None = None
        self._path = path
        self._recover = recover
        self._timing = timing
        self._state: _Closed | _Open = _Closed(first=True)
        self._failure: _Failure | None = None
        self._schedule = VerificationSchedule(path, interval=timing.verification_interval)
        self._last_file: FileId = None
        self._last_ids: LastIds = (0, 0, 0)  # of a file that was taken away; the next file continues from them
        self._delivery_ranges: dict[str, tuple[int, int]] = {}  # quarantine folder -> first and last delivery id
        self._reasons: dict[str, str] = {}  # quarantine folder -> why its log was moved there

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection. Raises LogFault if the file is closed, so call `ensure_open` first."""
        if isinstance(self._state, _Closed):
            raise LogFault(Phrase("the log {path} is not open", path=self._path))
        return self._state.log.connection

    @property
    def verifying(self) -> bool:
        """Whether a verification is running, or its result has not been handled yet."""
        return isinstance(self._state, _Open) and self._state.verification is not None

    def ensure_open(self) -> None:
        """Make sure that the file at the log's path is open. Open or create the file if necessary.

        An open file that must not be used any longer is handled first:

        - If the open file was moved, deleted or replaced, its content is saved.
        - If the open file was overwritten, it is moved aside.
        - If a verification has found damage in the open file, it is moved aside.

        Raise LogFault if the log cannot be opened.
        """
        if isinstance(self._state, _Open) and self._state.verification is None and self._is_untouched(self._state):
            return
        if self._failure and time.monotonic() < self._failure.retry_at:
            raise self._failure.fault.with_traceback(None)
        try:
            self._apply_verification()
            if isinstance(self._state, _Open) and file_ids(self._path) != self._state.log.file_ids:
                self._save_and_close(self._state.log)
            if isinstance(self._state, _Open) and not self._is_untouched(self._state):
                reason = Phrase("another file was copied over it while trayalert ran")
                self.replace_damaged(DamagedLog(self._path, reason))
            if isinstance(self._state, _Closed):
                self._open(self._state)
        except LogFault as fault:
            self._failure = _Failure(fault, time.monotonic() + self._timing.retry_interval)
            raise
        self._failure = None

    def _is_untouched(self, state: _Open) -> bool:
        """Return whether the open files are still at their paths and the log was not overwritten with another file."""
        if file_ids(self._path) != state.log.file_ids:
            return False
        stat = size_and_mtime(self._path)
        if stat == state.own_stat:
            return True
        sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        try:
            (max_size,) = state.log.connection.execute(sql).fetchone()
        except sqlite3.Error as error:
            fault = fault_of(error, self._path)
            if isinstance(fault, DamagedLog):
                return False
            raise fault from error
        if stat[0] != state.own_stat[0] and not state.own_stat[0] < stat[0] <= max_size and stat[0] != max_size:
            return False
        state.own_stat = stat
        self._schedule.note_change_elsewhere()  # another program has perhaps run a checkpoint
        return True

    def note_own_write(self) -> None:
        """Record the size and modification time of the file after a write of this connection."""
        if isinstance(self._state, _Open):
            self._state.own_stat = size_and_mtime(self._path)

    def check(self) -> None:
        """Check that the file is in place, and that a new connection can read its newest rows.

        A damaged file is moved aside and replaced by a new file. An undamaged file is verified if a verification is due
        and `recover` is set. Raise LogFault if the log cannot be used.

        Call this method between commits.
        """
        self.ensure_open()
        damage = damage_in_newest_rows(self._path)
        if damage:
            self.replace_damaged(DamagedLog(self._path, damage))
        elif self._recover and self._schedule.is_due():
            self.verify()

    def verify(self) -> None:
        """Start a verification of the file.

        A verification that is already running may have read past new damage. A second verification then starts after
        the running verification has ended. Do nothing if the file is closed.
        """
        if isinstance(self._state, _Closed):
            return
        if self._state.verification is None:
            self._state.verification = self._schedule.begin()
        else:
            self._state.verification.repeat = True

    def _apply_verification(self) -> None:
        if isinstance(self._state, _Closed) or self._state.verification is None:
            return
        verification = self._state.verification
        if verification.is_finished():
            self._state.verification = None
            if verification.damage:
                self.replace_damaged(DamagedLog(self._path, verification.damage))
            elif verification.repeat:
                self.verify()

    def truncate_wal(self) -> None:
        """If the `-wal` is large, run a checkpoint that truncates the `-wal`. Call this method between commits."""
        with contextlib.suppress(OSError, sqlite3.Error, LogFault):
            if Path(f"{self._path}-wal").stat().st_size > _LARGE_WAL:
                self.connection.execute("PRAGMA busy_timeout = 50")  # do not delay readers: a later call tries again
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.note_own_write()
        self.set_busy_timeout(after_fault=False)

    def set_busy_timeout(self, *, after_fault: bool) -> None:
        """Set how long a commit waits for another program's lock. If `after_fault` is set, the wait is shorter."""
        seconds = self._timing.busy_timeout_after_fault if after_fault else self._timing.busy_timeout
        with contextlib.suppress(sqlite3.Error, LogFault):
            self.connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")

    def close(self) -> None:
        """Close the file. Committed data is safe on disk even without this call."""
        self._close(after_fault=False)

    def close_after_fault(self) -> None:
        """Close the file after a fault. The next `ensure_open` opens the file again, and syncs all of it."""
        self._close(after_fault=True)

    def _close(self, *, after_fault: bool) -> _Closed:
        """Close the file if it is open. Return the new state.

        If the file is already closed, `after_fault` stays set in the new state if it was set before.
        """
        if isinstance(self._state, _Closed):
            closed = replace(self._state, after_fault=self._state.after_fault or after_fault)
            self._state = closed
            return closed
        log, verification = self._state.log, self._state.verification
        if verification:
            verification.stop()
        self._state = closed = _Closed(after_fault=after_fault)
        with contextlib.suppress(sqlite3.Error):
            log.connection.close()
        unregister(self._path)
        return closed

    def replace_damaged(self, fault: DamagedLog) -> None:
        """Move the damaged file aside and create a new file. Raise `fault` if `recover` is not set.

        Raise LogFault if the damaged file cannot be moved or the new file cannot be opened.
        """
        if not self._recover:
            raise fault
        deliveries = self._delivery_range()
        closed = self._close(after_fault=True)
        folder = move_aside(self._path, reason=fault.reason, now=now())
        if deliveries:
            self._delivery_ranges[folder.name] = deliveries
        self._reasons[folder.name] = fault.reason
        self._open_at_path(closed)
        self.add_news(
            Phrase(
                "The log was damaged ({reason}). It was moved to {folder}, a new one was begun, and what can still be "
                "read is taken over.",
                reason=fault.reason,
                folder=folder,
            )
        )

    def _delivery_range(self) -> tuple[int, int] | None:
        """Return the ids of the first and the last delivery. Return None if no delivery can be read."""
        try:
            first, last = self.connection.execute("SELECT min(id), max(id) FROM delivery").fetchone()
        except (LogFault, sqlite3.Error, UnicodeDecodeError):
            return None
        return (first, last) if first else None

    def _open(self, closed: _Closed) -> None:
        finish_move(self._path)
        try:
            log = self._open_at_path(closed)
        except DamagedLog as damaged:
            self.replace_damaged(damaged)
            return
        if log.new and not self.former_logs and list_backups(self._path):
            self.add_news(
                Phrase(
                    "There was no log {path} any more, though there are backups of one: a new one was begun. What was "
                    "open is not known. `trayalert restore` brings the newest backup back.",
                    path=self._path,
                )
            )

    def _open_at_path(self, closed: _Closed) -> OpenedLog:
        """Open the file at the path, or create it if it does not exist.

        Raise LogFault on failure. After a failure, the state is Closed, with the same `after_fault` as before.
        """
        self._state = replace(closed, first=False)
        try:
            log = self._open_file(first=closed.first, after_fault=closed.after_fault)
        except DiskFull:
            if not delete_reserve_file(self._path):
                raise
            log = self._open_file(first=False, after_fault=closed.after_fault)
        self._state = state = _Open(log)
        if self._last_file not in {None, log.file_ids[0]}:
            self.new_file += 1
        self._last_file = log.file_ids[0]
        register(self._path, log.file_ids[0])
        try:
            self._register_former_logs(log.connection)
            self._report_cut(log)
            if self._recover and not log.new:
                self._verify_opened(state, wait=log.unclean or closed.after_fault)
        except LogFault:
            self._close(after_fault=closed.after_fault)
            raise
        self.note_own_write()
        return log

    def _open_file(self, *, first: bool, after_fault: bool) -> OpenedLog:
        return open_file(self._path, first=first, after_fault=after_fault, busy_timeout=self._timing.busy_timeout)

    def _report_cut(self, log: OpenedLog) -> None:
        """Record in `torn` the callbacks of a commit that was cut off. Report lost pages in `news`."""
        if log.torn is not None:
            self.torn = log.torn
        if log.lost:
            self.add_news(
                Phrase(
                    "The end of the log's -wal is gone: {pages:,} pages of it. Callbacks that were answered shortly "
                    "before trayalert was stopped the last time are missing, and how many cannot be told. Look into "
                    "Cloud Monitor's alert history.",
                    pages=log.lost,
                )
            )

    def _verify_opened(self, state: _Open, *, wait: bool) -> None:
        """Start verifying the file that was just opened.

        If `wait` is set, wait up to `verification_wait` seconds for the result. Raise DamagedLog if the verification
        finds damage before this method returns.
        """
        state.verification = Verification(self._path)
        seconds = self._timing.verification_wait if wait else 0.0
        if state.verification.is_finished(within=seconds) and (damage := state.verification.damage):
            raise DamagedLog(self._path, damage)

    def _register_former_logs(self, connection: sqlite3.Connection) -> None:
        """Register all quarantined logs that wait to be salvaged, including logs that earlier runs quarantined.

        Afterwards, the current log never assigns an id that one of the quarantined logs has assigned. The number of
        unfinished salvages is added to `former_logs`. Raise LogFault if the log cannot be read or written.
        """
        try:
            if unsalvaged_folders(self._path) or any(self._last_ids):  # take the write lock only if needed
                connection.execute("BEGIN IMMEDIATE")
                register_salvages(
                    connection,
                    self._path,
                    now=now(),
                    delivery_ranges=self._delivery_ranges,
                    reasons=self._reasons,
                )
                raise_numbering(connection, self._last_ids)
                connection.execute("COMMIT")
                self._last_ids = (0, 0, 0)
            (unfinished,) = connection.execute("SELECT count(*) FROM salvage WHERE finished_at IS NULL").fetchone()
            self.former_logs += unfinished
        except sqlite3.Error as error:
            raise fault_of(error, self._path) from error

    def _save_and_close(self, log: OpenedLog) -> None:
        """Save the content of a file that was renamed, replaced or deleted, then close the file.

        Afterwards, the content is in a file that has a name.
        """
        busy = True
        with contextlib.suppress(sqlite3.Error, ValueError):
            delivery, alert, incident = (last_id(log.connection, table) for table in TABLES)
            self._last_ids = delivery, alert, incident
            busy = log.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        own, present = log.file_ids[0], file_id(self._path)
        if present == own and self._path.stat().st_size == 0:
            self.replace_damaged(DamagedLog(self._path, Phrase("the file was emptied while trayalert ran")))
        elif present == own and not busy:  # only `-wal` or `-shm` was removed, and the checkpoint worked
            self._last_ids = (0, 0, 0)
            self.close()
        else:
            moved_to = current_path(own)
            replaced = present is not None and present != own
            sentence = save_unlinked(log.connection, self._path, moved_to=moved_to, replaced=replaced)
            self.close()
            remove_own_wal(self._path, log.file_ids, moved_to=moved_to)
            if self._path.parent.exists():
                self.add_news(sentence)

    def add_news(self, sentence: str) -> None:
        """Add a message about what was done to the file. Only the last three messages are kept."""
        self.news = (*self.news, sentence)[-3:]
