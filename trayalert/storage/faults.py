"""The log's faults, each with a message for the user.

A fault is caused by the disk, the operating system or another program. A bug in trayalert is not a fault.
"""

import errno
import shutil
import sqlite3
from pathlib import Path

from trayalert.domain.fault import Fault, os_reason
from trayalert.domain.phrase import N_, Phrase

_MIN_FREE_BYTES = 1 << 20
"""Number of free bytes below which some of SQLite's errors are reported as a full disk.

If the disk is full, SQLite may report another error: an I/O error, or a file that cannot be opened.
"""

_SQLITE_REASONS = {
    N_("attempt to write a readonly database"),
    N_("database disk image is malformed"),
    N_("database is locked"),
    N_("database or disk is full"),
    N_("disk I/O error"),
    N_("file is not a database"),
    N_("unable to open database file"),
}
"""The usual errors of SQLite that are not caused by a bug."""


class LogFault(Fault):
    """The log cannot be used. The message says what is wrong and what the user can do."""


class NoLog(LogFault):
    """There is no log to read: it was never set up, is just being created, or was just replaced by another file."""


class OtherVersion(LogFault):
    """The log was made by another version of trayalert. The running version leaves the file untouched."""


class DamagedLog(LogFault):
    """The file cannot be used as a log, and trying again does not help.

    `reason` says only what is wrong with the file. The exception's message also says what the user can do.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            Phrase(
                "the log {path} cannot be used: {reason}. Start trayalert, which moves it aside, begins a new one and "
                "takes over what can still be read.",
                path=path,
                reason=reason,
            )
        )
        self.reason = reason


class DiskFull(LogFault):
    """The disk is full."""


class LockedLog(LogFault):
    """Another program holds a lock on the log."""


class NotStored(LogFault):
    """A job failed, was not accepted, or was not committed before its deadline.

    The caller may run the job again. A job whose deadline has passed may still be committed later.
    """


def fault_of(error: sqlite3.Error | OSError | UnicodeDecodeError, path: Path) -> LogFault:
    """Convert an error from SQLite or the operating system into the matching fault of the log at `path`."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reason = reason_of(error)
    if code == sqlite3.SQLITE_FULL or _is_disk_full(error, code, path):
        return DiskFull(
            Phrase(
                "the disk of {folder} is full: callbacks are refused (503), and Cloud Monitor comes again up to "
                "3 times. Free some space; trayalert goes on by itself.",
                folder=path.parent,
            )
        )
    if isinstance(error, UnicodeDecodeError):
        # SQLite's error message quotes the damaged schema, and Python cannot decode the message as UTF-8
        code, reason = sqlite3.SQLITE_CORRUPT, Phrase("its schema is damaged")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return DamagedLog(path, reason)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LockedLog(
            Phrase(
                "the log {path} cannot be written: another program holds it locked ({reason}). End that program, a "
                "viewer of databases or a backup; trayalert goes on by itself.",
                path=path,
                reason=reason,
            )
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return LogFault(
            Phrase(
                "the log {path} cannot be written: {reason}. Make the file, what lies beside it (-wal, -shm) and the "
                "folder writable for the user who runs trayalert; it goes on by itself.",
                path=path,
                reason=reason,
            )
        )
    if code == sqlite3.SQLITE_IOERR:
        name = getattr(error, "sqlite_errorname", "SQLITE_IOERR")
        return LogFault(
            Phrase(
                "the log {path} cannot be written: the disk fails ({reason}, {name}). Look at the disk and at the "
                "system's log; trayalert goes on by itself as soon as it can write and sync again.",
                path=path,
                reason=reason,
                name=name,
            )
        )
    return LogFault(
        Phrase(
            "the log {path} cannot be opened: {reason}. Is its folder there, and may the user who runs trayalert write "
            "in it? It is tried again.",
            path=path,
            reason=reason,
        )
    )


def reason_of(error: sqlite3.Error | OSError | UnicodeDecodeError) -> str:
    """Return the reason that SQLite or the operating system gives for an error. A usual reason is a Phrase."""
    if isinstance(error, OSError):
        return os_reason(error)
    reason = str(error)
    return Phrase(reason) if reason in _SQLITE_REASONS else reason


def _is_disk_full(error: Exception, code: int, path: Path) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    if code not in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        return False
    try:
        return shutil.disk_usage(path.parent).free < _MIN_FREE_BYTES
    except OSError:
        return False
