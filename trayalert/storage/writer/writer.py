"""The one writing connection: what is asked of it in one go is one transaction, synced to disk before it returns.

`Writing` is used by one thread at a time: the log's own, or a command line with no program running. A fault of the
world never ends it: what cannot be stored is said to be NotStored, and each job tries anew.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Protocol, TypeGuard

from trayalert.domain.events import Event
from trayalert.storage.faults import DamagedLog, DiskFull, LockedLog, LogFault, NotStored, OtherVersion, fault_of
from trayalert.storage.file.disk_space import has_room, lay_ballast, let_ballast_go, worry
from trayalert.storage.file.log_file import Holding
from trayalert.storage.file.log_opening import BUSY
from trayalert.storage.writer.appender import Append, Readings, append_all
from trayalert.storage.writer.log_status import Condition

_OF_ONE_VALUE = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""What SQLite raises for one bad value; its other errors are the disk's, and hit all alike."""

_BUSY_AFTER_A_FAULT = 0.1
"""Seconds that a commit waits for a lock that was waited for in vain before: the answer is to be 503 at once."""

_logger = logging.getLogger(__name__)


class Task(Protocol):
    """Any other job. It runs inside the group's transaction, of which it is a part."""

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Do it, and return what it changed."""


Job = Append | Task
Events = tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class _Probe:
    """Writes and syncs, and changes nothing."""

    def run(self, connection: sqlite3.Connection) -> Events:
        connection.execute("UPDATE numbering SET delivery = delivery")
        return ()


class Writing:
    """Writes jobs. `read` reads a callback; `keep_raw` makes a harmless alert of one whose own cannot be stored.

    Raise LogFault where the log cannot be opened; a `patient` one raises OtherVersion only, and tries again by and by.
    `taken_over` is what changed as the first commit stored what the program before was cut off at.
    """

    def __init__(self, path: Path, *, read: Readings, keep_raw: Readings, patient: bool = False) -> None:
        self.condition = Condition()
        self.taken_over: Events = ()
        self._path = path
        self._read = read
        self._keep_raw = keep_raw
        self._worry = worry(path)
        self._full = False
        self._holding = Holding(path, patient=patient)
        try:
            self._holding.ready()
        except OtherVersion:
            raise
        except LogFault as fault:
            if not patient:
                raise
            self._tell(str(fault))
        else:
            self._tell(None)

    def commit(self, jobs: Sequence[Job]) -> list[Events | Exception]:
        """Do all jobs in one transaction and return what each one changed, or why it could not be done.

        A job with a value that the log cannot take never costs the others: each is then done alone.
        """
        try:
            self._take_over_torn()
            return self._stored(jobs) if jobs else []
        except LogFault as fault:
            self._tell(str(fault))
            return [NotStored(str(fault))] * len(jobs)

    def look(self) -> None:
        """See how the file and its disk are, and heal what can be healed; for moments when nothing is to be written."""
        if self.condition.problem is not None:
            self.commit([_Probe()])
        else:
            try:
                self._holding.look()
            except LogFault as fault:
                self._tell(str(fault))
        if self.condition.problem is None:
            self._holding.tidy()
            lay_ballast(self._path)
        self._worry = worry(self._path)
        self._tell(self.condition.problem)

    def probe(self) -> bool:
        """Write and sync; whether that could be done."""
        return not isinstance(self.commit([_Probe()])[0], Exception)

    def verify(self) -> None:
        """Look the file over, because somebody could not read it; damage is found by and by."""
        self._holding.verify()

    @property
    def verifying(self) -> bool:
        """Whether the file is being looked over now: `look` hears what came of it."""
        return self._holding.verifying

    def close(self) -> None:
        """Close the file; what was committed is safe without it."""
        self._holding.close()

    def _take_over_torn(self) -> None:
        """Store what the program before was storing when it was cut off."""
        torn, self._holding.torn = self._holding.torn, None
        if torn is None:
            return
        try:
            results = self._stored([Append(callback, self._read(callback)) for callback in torn])
        except LogFault:
            self._holding.torn = torn
            raise
        stored = [result for result in results if not isinstance(result, Exception)]
        self.taken_over += tuple(event for events in stored for event in events)
        self._holding.tell(
            "trayalert was cut off in the middle of a write, as by a power cut. Callbacks of it that could be read and "
            f"were taken over: {len(stored):,}. What is missing was not answered yet, unless the disk has damaged it "
            "since: Cloud Monitor sends it again."
        )
        self._tell(None)

    def _tell(self, problem: str | None) -> None:
        """Say how it is; nothing new is said where nothing is new."""
        before = self.condition
        if problem is None and self._full:
            self._full = not has_room(self._path)
            problem = before.problem if self._full else None
        if problem is None and before.problem is not None:
            self._worry = worry(self._path)
        now = Condition(
            problem=problem,
            worry=self._worry if problem is None else None,
            news=self._holding.news,
            new_file=self._holding.new_file,
            former=self._holding.former,
        )
        if now == before:
            return
        if problem != before.problem:
            if problem is None:
                _logger.warning("the log can be written again")
            else:
                _logger.error("%s", problem)
            self._be_patient_with_locks(BUSY if problem is None else _BUSY_AFTER_A_FAULT)
        for sentence in now.news:
            if sentence not in before.news:
                _logger.warning("%s", sentence)
        self.condition = now

    def _be_patient_with_locks(self, seconds: float) -> None:
        with contextlib.suppress(sqlite3.Error, LogFault):
            self._holding.connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")

    def _stored(self, jobs: Sequence[Job]) -> list[Events | Exception]:
        """Store the jobs; a second time where the first could be mended at once. Raise LogFault."""
        for again in (True, False):
            self._holding.ready()
            try:
                results: list[Events | Exception] = list(self._transaction(jobs))
            except Exception as error:
                if not _of_disk(error):
                    _logger.exception("what was read in a callback cannot be stored; its bytes are kept")
                    return [self._alone(job) for job in jobs]
                self._mend(error, again=again)
            else:
                if (
                    self.condition.problem
                    or self.condition.worry != self._worry
                    or self.condition.new_file != self._holding.new_file
                ):
                    self._tell(None)
                return results
        raise AssertionError  # the second time raises or returns

    def _mend(self, error: sqlite3.Error, *, again: bool) -> None:
        """Do what makes the same jobs worth another try at once. Raise the LogFault where there is nothing."""
        fault = fault_of(error, self._path)
        match fault:
            case DiskFull():
                self._full = True
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_FULL:  # a sync that failed, perhaps
                    self._holding.drop()
                if not again or not let_ballast_go(self._path):
                    raise fault
                self._worry = worry(self._path)
                with contextlib.suppress(sqlite3.Error, LogFault):
                    self._holding.connection.execute("PRAGMA wal_checkpoint")
                    self._holding.note_look()
            case DamagedLog():
                if not again:
                    raise fault
                self._holding.begin_anew(fault)
            case LockedLog():
                raise fault
            case _:
                self._holding.drop()
                raise fault

    def _alone(self, job: Job) -> Events | Exception:
        try:
            self._holding.ready()
            return self._transaction([job])[0]
        except LogFault as fault:
            return NotStored(str(fault))
        except Exception as error:  # noqa: BLE001 - logged by `commit`
            if _of_disk(error):
                return self._not_stored_alone(error)
            if isinstance(job, Append) and job.alerts != (raw := self._keep_raw(job.callback)):
                return self._alone(replace(job, alerts=raw))
            if isinstance(error, sqlite3.IntegrityError):
                self._holding.verify()  # our own numbers never clash in a file that is whole
            return NotStored(f"the log could not take it: {error}")

    def _not_stored_alone(self, error: sqlite3.Error) -> NotStored:
        try:
            self._mend(error, again=True)
        except LogFault as fault:
            self._tell(str(fault))
            return NotStored(str(fault))
        return NotStored(f"the log {self._path} had to be mended first: {error}")

    def _transaction(self, jobs: Sequence[Job]) -> list[Events]:
        execute = self._holding.connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            events = self._do(jobs)
            execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise
        finally:
            self._holding.note_look()
        return events

    def _do(self, jobs: Sequence[Job]) -> list[Events]:
        connection = self._holding.connection
        events: list[Events] = []
        for appends, run in groupby(jobs, _is_append):  # one after the other: what comes after a task may burn anew
            some = list(run)
            if appends:
                events += append_all(connection, [job for job in some if isinstance(job, Append)])
            else:
                events += [job.run(connection) for job in some if not isinstance(job, Append)]
        return events


def _is_append(job: Job) -> bool:
    return isinstance(job, Append)


def _of_disk(error: Exception) -> TypeGuard[sqlite3.Error]:
    """Whether it is the disk's; what the module itself raises of a value that it cannot read has no code."""
    return (
        isinstance(error, sqlite3.Error) and not isinstance(error, _OF_ONE_VALUE) and hasattr(error, "sqlite_errorcode")
    )
