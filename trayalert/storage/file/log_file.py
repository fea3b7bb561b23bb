"""The writer's hold on the log's file: it is opened, watched, and left or moved aside when it has to be.

The rule: what the open connection has acknowledged lies in a file when it is let go, whatever was done to the names.
"""

import contextlib
import sqlite3
import time
from pathlib import Path

from trayalert.domain.callback import Callback
from trayalert.domain.times import Millis
from trayalert.storage.faults import DamagedLog, DiskFull, LogFault, fault_of
from trayalert.storage.file.disk_space import let_ballast_go
from trayalert.storage.file.log_opening import BUSY, Opened, Place, look_of, open_file, place_of, places
from trayalert.storage.file.unlinked_file import whereabouts, write_again, write_aside
from trayalert.storage.file.verification import Verification, glance
from trayalert.storage.recovery.backups import list_backups
from trayalert.storage.recovery.quarantine import (
    Numbers,
    finish_moving,
    known_range,
    last_numbers,
    move_aside,
    new_folder,
    waiting,
    why_of,
)
from trayalert.storage.writer_registry import hold, let_go

_TRY_AGAIN = 0.2
"""Seconds between two tries to open; whoever asks in between is told why the last one failed."""

_VERIFY = 0.7
"""Seconds that a file waits for its verification after an unclean end; it goes on behind what is stored."""

_LARGE_WAL = 1 << 20

_VERIFY_AGAIN = 600.0
"""Seconds from one verification of a file that goes on changing to the next: what is damaged in its midst is seen by
nobody who only adds to its end."""

_SALVAGE = """
    INSERT OR IGNORE INTO salvage (folder, why, begun_at, first, last, position, salvaged, damaged, missing)
    VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0)
"""
_COUNT_ON = """
    UPDATE numbering SET delivery = max(delivery, ?), alert = max(alert, ?), incident = max(incident, ?)
"""


class Holding:
    """Holds the file open for one thread. A `patient` one moves damaged files aside; any other leaves them alone.

    `torn` are callbacks of a commit that was cut off (None: there was none): whoever writes takes them over first.
    """

    def __init__(self, path: Path, *, patient: bool) -> None:
        self.news: tuple[str, ...] = ()
        self.new_file = 0
        self.former = 0
        self.torn: tuple[Callback, ...] | None = None
        self._path = path
        self._patient = patient
        self._opened: Opened | None = None
        self._tried = False
        self._known: Place = None
        self._ranges: dict[str, tuple[int, int]] = {}
        self._look = (-1, 0)
        self._changed = False
        self._numbers: Numbers = (0, 0, 0)
        self._suspect = False
        self._last_fault: LogFault | None = None
        self._again_at = 0.0
        self._verification: Verification | None = None
        self._seen: tuple[int, int] | None = None
        self._verify_at = 0.0
        self._verify_again = False

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection; `ready` comes first."""
        if self._opened is None:
            raise LogFault(f"the log {self._path} is not open")
        return self._opened.connection

    def ready(self) -> None:
        """See to it that the file at the path is open. Raise LogFault where it cannot be."""
        if self._opened and self._verification is None and self._untouched(self._opened):
            return
        if self._last_fault and time.monotonic() < self._again_at:
            raise self._last_fault.with_traceback(None)
        try:
            self._hear_verification()
            if self._opened and places(self._path) != self._opened.places:
                self._leave(self._opened)
            if self._opened and not self._untouched(self._opened):
                self.begin_anew(DamagedLog(self._path, "another file was copied over it while trayalert ran"))
            if self._opened is None:
                self._open()
        except LogFault as fault:
            self._last_fault, self._again_at = fault, time.monotonic() + _TRY_AGAIN
            raise
        self._last_fault = None

    def _untouched(self, opened: Opened) -> bool:
        """Whether the files are those that were opened, and nobody has copied another one over the log's."""
        if places(self._path) != opened.places:
            return False
        look = look_of(self._path)
        if look == self._look:
            return True
        sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        try:
            (most,) = opened.connection.execute(sql).fetchone()
        except sqlite3.Error as error:
            fault = fault_of(error, self._path)
            if isinstance(fault, DamagedLog):
                return False
            raise fault from error
        if look[0] != self._look[0] and not self._look[0] < look[0] <= most and look[0] != most:
            return False
        self._look, self._changed = look, True  # of a checkpoint that another program has made, perhaps
        return True

    def note_look(self) -> None:
        """Hear that this connection has written: how the file looks now is its own doing."""
        self._look = look_of(self._path)

    def _hear_verification(self) -> None:
        if self._verification and self._verification.over():
            damage, self._verification = self._verification.damage, None
            if damage:
                self.begin_anew(DamagedLog(self._path, damage))
            elif self._verify_again:
                self.verify()

    def drop(self) -> None:
        """Let the file go after a fault: what comes next opens it anew, and syncs all of it again."""
        self._suspect = True
        self.close()

    def look(self) -> None:
        """See in a quiet moment whether the file is still there and can be read by others. Raise LogFault."""
        self.ready()
        damage = glance(self._path)
        if damage:
            self.begin_anew(DamagedLog(self._path, damage))
        elif self._patient and (self._has_changed() or self._changed):
            self.verify()

    def tidy(self) -> None:
        """Give back to the disk what the `-wal` takes in a quiet moment, and what the file has given up."""
        with contextlib.suppress(OSError, sqlite3.Error, LogFault):
            if Path(f"{self._path}-wal").stat().st_size > _LARGE_WAL:
                self.connection.execute("PRAGMA busy_timeout = 50")  # readers come first, and it is tried again
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.note_look()
        with contextlib.suppress(sqlite3.Error, LogFault):
            self.connection.execute(f"PRAGMA busy_timeout = {BUSY * 1000:.0f}")

    @property
    def verifying(self) -> bool:
        """Whether the file is being looked over now."""
        return self._verification is not None

    def _has_changed(self) -> bool:
        """Whether the file is worth a verification: it has shrunk, or has changed and was not verified for long."""
        found = self._path.stat()
        before, self._seen = self._seen, (found.st_size, found.st_mtime_ns)
        if before is None or before == self._seen:
            return False
        return self._seen[0] < before[0] or time.monotonic() >= self._verify_at

    def verify(self) -> None:
        """Look the file over, because something in it could not be right; one that goes on may be past that."""
        self._verify_again = self._verification is not None
        if self._opened and not self._verify_again:
            self._verify_at = time.monotonic() + _VERIFY_AGAIN
            self._verification = Verification(self._path, thorough=self._changed)
            self._changed = False

    def begin_anew(self, damaged: DamagedLog) -> None:
        """Move the file aside and begin a new one. Raise LogFault."""
        if not self._patient:
            raise damaged
        self._suspect = True
        known = self._range()
        self.close()
        folder = move_aside(self._path, why=damaged.why, now=_now())
        if known:
            self._ranges[folder.name] = known
        self._open_at_path()
        self.note_look()
        self._suspect = False
        self.tell(
            f"The log was damaged ({damaged.why}). It was moved to {folder}, a new one was begun, and what can still "
            "be read is taken over."
        )

    def _range(self) -> tuple[int, int] | None:
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
            let_go(self._path)

    def _open(self) -> None:
        known = self._known
        finish_moving(self._path)
        try:
            self._open_at_path()
        except DamagedLog as damaged:
            self.begin_anew(damaged)
            return
        if known not in {None, self._known}:
            self._count_on()
        self.note_look()
        self._suspect = False
        if self._opened and self._opened.new and not self.former and list_backups(self._path):
            self.tell(
                f"There was no log {self._path} any more, though there are backups of one: a new one was begun. What "
                "was open is not known. `trayalert restore` brings the newest backup back."
            )

    def _open_at_path(self) -> None:
        first, self._tried = not self._tried, True
        try:
            opened = open_file(self._path, suspect=self._suspect, first=first)
        except DiskFull:
            if not let_ballast_go(self._path):
                raise
            opened = open_file(self._path, suspect=self._suspect)
        if self._known not in {None, opened.places[0]}:
            self.new_file += 1
        self._opened, self._known = opened, opened.places[0]
        hold(self._path, opened.places[0])
        self._take_over(opened.connection)
        if opened.torn is not None:
            self.torn = opened.torn
        if opened.lost:
            self.tell(
                f"The end of the log's -wal is gone: {opened.lost:,} pages of it. Callbacks that were answered shortly "
                "before trayalert was stopped the last time are missing, and how many cannot be told. Look into Cloud "
                "Monitor's alert history."
            )
        if self._patient and not opened.new:
            self._verification = Verification(self._path)
            seconds = _VERIFY if opened.unclean or self._suspect else 0.0
            if self._verification.over(within=seconds) and (damage := self._verification.damage):
                self.close()
                raise DamagedLog(self._path, damage)

    def _take_over(self, connection: sqlite3.Connection) -> None:
        """Tell a log of those before it that were moved aside and not taken over, and give no number twice.

        Not only a new one: a kill may have come before it was told.
        """
        try:
            for folder in waiting(self._path):
                connection.execute("BEGIN IMMEDIATE")
                known = self._ranges.get(folder.name) or known_range(folder / self._path.name)
                if connection.execute(_SALVAGE, (folder.name, why_of(folder), _now(), *known)).rowcount:
                    connection.execute(_COUNT_ON, last_numbers(folder / self._path.name))
                connection.execute("COMMIT")
            (unfinished,) = connection.execute("SELECT count(*) FROM salvage WHERE finished_at IS NULL").fetchone()
            self.former += unfinished
        except sqlite3.Error as error:
            self.close()
            raise fault_of(error, self._path) from error

    def _count_on(self) -> None:
        """Give no number twice that the file before gave away."""
        try:
            self.connection.execute(_COUNT_ON, self._numbers)
        except sqlite3.Error as error:
            self.close()
            raise fault_of(error, self._path) from error

    def _leave(self, opened: Opened) -> None:
        """Let a file go whose names were taken away; what it holds must lie in a file that stays."""
        connection, (own, own_wal, own_shm) = opened.connection, opened.places
        busy = True
        with contextlib.suppress(sqlite3.Error):
            self._numbers = _numbers(connection)
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        there = place_of(self._path)
        if there == own and self._path.stat().st_size == 0:
            self.begin_anew(DamagedLog(self._path, "the file was emptied while trayalert ran"))
            return
        if there == own and not busy:  # only what lies beside it was taken: all of that is in the log now
            self.close()
            return
        moved_to = whereabouts(own)
        try:
            told = self._rescue(connection, None if there == own else there, moved_to)
        except (OSError, sqlite3.Error) as error:
            was = f"was {_gone(self._path, moved_to)}"
            raise LogFault(
                f"the log {self._path} {was} while trayalert ran, and cannot be written again: {error}. Is its "
                "folder there, and writable? Do not end trayalert: it is tried again, and what is stored lives in it."
            ) from error
        self.close()
        self._clear_away(own_wal, own_shm, moved_to)
        if self._path.parent.exists():
            self.tell(told)

    def _rescue(self, connection: sqlite3.Connection, there: Place, moved_to: Path | None) -> str:
        """Bring what is open to where it is seen: nothing that burns may be gone because a file was moved."""
        if there is None:
            write_again(connection, self._path)
            return (
                f"The log {self._path} was {_gone(self._path, moved_to)} while trayalert ran. It was written again "
                "from what was open; nothing is lost."
            )
        why = "another file was put in its place while trayalert ran"
        folder = write_aside(connection, self._path, why=why, now=_now())
        return (
            f"Another file took the place of the log {self._path} while trayalert ran; that one is used now. What was "
            f"stored before lies in {folder}, and is taken over."
        )

    def _clear_away(self, own_wal: Place, own_shm: Place, moved_to: Path | None) -> None:
        """Take our own `-wal` from beside a file that is not ours: SQLite would write it into that one.

        Where a reader has kept it from being emptied, the file that was moved away is not whole without it.
        """
        wal, shm = Path(f"{self._path}-wal"), Path(f"{self._path}-shm")
        with contextlib.suppress(OSError):
            if own_wal and place_of(wal) == own_wal:
                if wal.stat().st_size == 0:
                    wal.unlink()
                elif moved_to and not Path(f"{moved_to}-wal").exists():
                    wal.rename(f"{moved_to}-wal")
                else:
                    wal.rename(new_folder(self._path, why=f"this belongs to {moved_to}", now=_now()) / wal.name)
            if own_shm and place_of(shm) == own_shm:
                shm.unlink()

    def tell(self, sentence: str) -> None:
        """Keep a sentence on what was done to the file."""
        self.news = (*self.news, sentence)[-3:]


def _gone(path: Path, moved_to: Path | None) -> str:
    if moved_to == path:
        return "parted from its -wal"
    return f"moved to {moved_to}" if moved_to else "deleted"


def _numbers(connection: sqlite3.Connection) -> Numbers:
    sql = """
        SELECT max(delivery, coalesce((SELECT max(id) FROM delivery), 0)),
               max(alert, coalesce((SELECT max(id) FROM alert), 0)),
               max(incident, coalesce((SELECT max(id) FROM incident), 0)) FROM numbering
    """
    delivery, alert, incident = connection.execute(sql).fetchone()
    return delivery, alert, incident


def _now() -> Millis:
    return time.time_ns() // 1_000_000
