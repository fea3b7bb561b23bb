"""Verification of the log with SQLite's quick check, on a separate thread.

SQLite 3.40 checks each table in one step that cannot be interrupted. The step takes a long time if the file is not in
memory yet, and callbacks must not wait for that long. Therefore the caller of a verification waits only briefly, and
asks for the result later.
"""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from trayalert.domain.phrase import Phrase
from trayalert.domain.text import printable
from trayalert.storage.faults import DamagedLog, fault_of
from trayalert.storage.read_connection import connect_read_only
from trayalert.storage.rows import TABLES

_BUSY_TIMEOUT = 0.1
"""Seconds for which `damage_in_newest_rows` waits for a lock. The writer stores nothing during this time."""


class Verification:
    """One verification of the file, on a thread of its own. The constructor starts the verification.

    As soon as `is_finished` returns True, `damage` describes the damage that was found, or is None. If `thorough` is
    set, the indexes are also compared with their tables. The caller can set `repeat` as a note that another
    verification must follow.
    """

    def __init__(self, path: Path, *, thorough: bool = False) -> None:
        self.damage: str | None = None
        self.repeat = False
        self._check = "integrity_check" if thorough else "quick_check"
        self._path = path
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="verification", daemon=True)
        self._thread.start()

    def is_finished(self, *, within: float = 0.0) -> bool:
        """Wait up to `within` seconds for the verification to end. Return whether it has ended."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End the verification early. A stopped verification reports no damage."""
        self._stopped = True

    def _run(self) -> None:
        try:
            with closing(connect_read_only(self._path, timeout=5.0)) as connection:
                connection.set_progress_handler(lambda: self._stopped, 10_000)
                ((found,),) = connection.execute(f"PRAGMA {self._check}(1)").fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self.damage = _damage_reason(error, self._path)
        else:
            if found != "ok":
                self.damage = Phrase(
                    "damage in it was found: {damage}", damage=printable(" ".join(found.split())[:200])
                )


class VerificationSchedule:
    """Decides when the file must be verified again. The schedule survives closing and reopening the file.

    `interval` is the number of seconds between verifications of a file that keeps changing.
    """

    def __init__(self, path: Path, *, interval: float) -> None:
        self._path = path
        self._interval = interval
        self._last_stat: tuple[int, int] | None = None
        self._due_at = 0.0
        self._changed_elsewhere = False

    def note_change_elsewhere(self) -> None:
        """Record that another program has written to the file. A thorough verification is then due."""
        self._changed_elsewhere = True

    def is_due(self) -> bool:
        """Return whether a verification is due.

        A verification is due in three cases:

        - Another program has written to the file.
        - The file has become smaller since the previous call of this method.
        - The file has changed since the previous call, and no verification has begun for `interval` seconds.
        """
        found = self._path.stat()
        before, self._last_stat = self._last_stat, (found.st_size, found.st_mtime_ns)
        if self._changed_elsewhere:
            return True
        if before is None or before == self._last_stat:
            return False
        return self._last_stat[0] < before[0] or time.monotonic() >= self._due_at

    def begin(self) -> Verification:
        """Start a verification, which is thorough if another program has written to the file."""
        self._due_at = time.monotonic() + self._interval
        verification = Verification(self._path, thorough=self._changed_elsewhere)
        self._changed_elsewhere = False
        return verification


def damage_in_newest_rows(path: Path) -> str | None:
    """Read the schema and the newest row of each table on a new connection. Return the damage found, or None."""
    try:
        with closing(connect_read_only(path, timeout=_BUSY_TIMEOUT)) as connection:
            for table in TABLES:
                connection.execute(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 1").fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        return _damage_reason(error, path)
    return None


def _damage_reason(error: sqlite3.DatabaseError | UnicodeDecodeError, path: Path) -> str | None:
    """Return a description of the damage if the error means that the file is damaged, else None.

    Other faults are ignored here: the writer notices such faults by itself.
    """
    fault = fault_of(error, path)
    return fault.reason if isinstance(fault, DamagedLog) else None
