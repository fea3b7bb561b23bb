"""What can go wrong with the log, in sentences for a person: faults of the disk and the system, not ours."""

import errno
import shutil
import sqlite3
from pathlib import Path

from trayalert.domain.fault import Fault

_MIN_FREE_BYTES = 1 << 20
"""With less than this free, an error of the disk is a lack of space, whatever SQLite calls it."""


class LogFault(Fault):
    """The log cannot be used now; the text says why, where, and what to do."""


class NoLog(LogFault):
    """There is no log yet, or nothing in it: it was never opened, or is being created at this moment."""


class OtherVersion(LogFault):
    """Another version of trayalert made the log: this one leaves the file alone."""


class DamagedLog(LogFault):
    """The file cannot be used as a log, and waiting does not help. `reason` is plain text."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the log {path} cannot be used: {reason}. Start trayalert, which moves it aside, begins a new one and "
            "takes over what can still be read."
        )
        self.reason = reason


class DiskFull(LogFault):
    """The disk is full."""


class LockedLog(LogFault):
    """Another program holds the file."""


class NotStored(LogFault):
    """This job could not be stored; nothing of it was kept, and trying again may help."""


def fault_of(error: sqlite3.Error | OSError | UnicodeDecodeError, path: Path) -> LogFault:
    """Return what an error of SQLite or the system means for the log at `path`."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reason: object = error.strerror or error if isinstance(error, OSError) else error
    if code == sqlite3.SQLITE_FULL or _is_disk_full(error, code, path):
        return DiskFull(
            f"the disk of {path.parent} is full: callbacks are refused (503), and Cloud Monitor comes again up to "
            "3 times. Free some space; trayalert goes on by itself."
        )
    if isinstance(error, UnicodeDecodeError):
        code, reason = sqlite3.SQLITE_CORRUPT, "its schema is damaged"  # which SQLite quotes, and that is no text
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return DamagedLog(path, str(reason))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LockedLog(
            f"the log {path} cannot be written: another program holds it locked ({reason}). End that program, a "
            "viewer of databases or a backup; trayalert goes on by itself."
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return LogFault(
            f"the log {path} cannot be written: {reason}. Make the file, what lies beside it (-wal, -shm) and the "
            "folder writable for the user who runs trayalert; it goes on by itself."
        )
    if code == sqlite3.SQLITE_IOERR:
        name = getattr(error, "sqlite_errorname", "SQLITE_IOERR")
        return LogFault(
            f"the log {path} cannot be written: the disk fails ({reason}, {name}). Look at the disk and at the "
            "system's log; trayalert goes on by itself as soon as it can write and sync again."
        )
    return LogFault(
        f"the log {path} cannot be opened: {reason}. Is its folder there, and may the user who runs trayalert write "
        "in it? It is tried again."
    )


def _is_disk_full(error: Exception, code: int, path: Path) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    if code not in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        return False
    try:
        return shutil.disk_usage(path.parent).free < _MIN_FREE_BYTES
    except OSError:
        return False
