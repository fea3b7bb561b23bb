"""The connection that writes to the log.

A commit first runs all its jobs in one transaction. If a job cannot be stored, the commit runs each job in a separate
transaction. Each transaction is on disk before `commit` returns.

A disk fault does not end the writer. The jobs of the commit fail with `NotStored`, and the next commit tries to use the
log again. A `Writer` is used by one thread at a time: in the running program by the writer thread, and in a command by
the command's thread.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Protocol

from trayalert.domain.events import Event
from trayalert.domain.phrase import N_, Phrase
from trayalert.storage.faults import (
    DamagedLog,
    DiskFull,
    LockedLog,
    LogFault,
    NotStored,
    OtherVersion,
    fault_of,
    reason_of,
)
from trayalert.storage.file.disk_space import create_reserve_file, delete_reserve_file, disk_warning, has_space
from trayalert.storage.file.log_file import LogFile, LogFileTiming
from trayalert.storage.rows import rewrite_numbering
from trayalert.storage.writer.appender import Append, CallbackParser, append_all
from trayalert.storage.writer.log_status import WriterState
from trayalert.storage.writer.savepoint import is_disk_error

_TIMING = LogFileTiming()

_logger = logging.getLogger(__name__)


class Task(Protocol):
    """A job other than `Append`. A task runs inside the transaction of its commit."""

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Run the task and return its events."""


Job = Append | Task
Events = tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class _Probe:
    """A task that makes SQLite write and sync a page without changing any data."""

    def run(self, connection: sqlite3.Connection) -> Events:
        rewrite_numbering(connection)
        return ()


class Writer:
    """Commits jobs to the log.

    `read` parses a callback. `keep_raw` returns a harmless alert for a callback whose own alerts cannot be stored. If
    an earlier run was cut off during a commit, the first commit of this run stores the callbacks of that commit. The
    events of these callbacks are added to `recovered_events`.

    Without `recover`, the constructor raises `LogFault` if the log cannot be opened. With `recover`, the constructor
    moves a damaged file aside, and raises only `OtherVersion`. After any other fault, each commit tries to open the log
    again.
    """

    def __init__(
        self,
        path: Path,
        *,
        read: CallbackParser,
        keep_raw: CallbackParser,
        recover: bool = False,
        timing: LogFileTiming = _TIMING,
    ) -> None:
        self.state = WriterState()
        self.recovered_events: Events = ()
        self._path = path
        self._read = read
        self._keep_raw = keep_raw
        self._warning = disk_warning(path)
        self._full = False
        self._file = LogFile(path, recover=recover, timing=timing)
        try:
            self._file.ensure_open()
        except OtherVersion:
            raise
        except LogFault as fault:
            if not recover:
                raise
            self._set_problem(str(fault))
        else:
            self._set_problem(None)

    def commit(self, jobs: Sequence[Job]) -> list[Events | Exception]:
        """Run all jobs. Return for each job, in order, its events, or an exception if the job failed.

        The jobs are first run in one transaction. If a value in one of the jobs cannot be stored, that transaction is
        rolled back, and each job is run in a separate transaction.
        """
        try:
            self._store_torn()
            return self._store(jobs) if jobs else []
        except LogFault as fault:
            self._set_problem(str(fault))
            return [NotStored(str(fault))] * len(jobs)

    def maintain(self) -> None:
        """Check the file and its disk, and repair what can be repaired. Call this method between two commits."""
        if self.state.problem is not None:
            self.commit([_Probe()])
        else:
            try:
                self._file.check()
            except LogFault as fault:
                self._set_problem(str(fault))
        if self.state.problem is None:
            self._file.truncate_wal()
            create_reserve_file(self._path)
        self._warning = disk_warning(self._path)
        self._set_problem(self.state.problem)

    def probe(self) -> bool:
        """Return whether the log can be written and synced now."""
        return not isinstance(self.commit([_Probe()])[0], Exception)

    def verify(self) -> None:
        """Start a verification of the file. Call this method if reading the log has failed.

        After the verification has ended, the next `commit` or `maintain` handles the result.
        """
        self._file.verify()

    @property
    def verifying(self) -> bool:
        """Whether a verification of the file is running, or its result has not been handled yet."""
        return self._file.verifying

    def close(self) -> None:
        """Close the file. Committed data is safe even if the file is never closed."""
        self._file.close()

    def _store_torn(self) -> None:
        """Store the callbacks of an interrupted commit of an earlier run. Do nothing if no commit was interrupted."""
        torn, self._file.torn = self._file.torn, None
        if torn is None:
            return
        try:
            results = self._store([Append(callback, self._read(callback)) for callback in torn])
        except LogFault:
            self._file.torn = torn
            raise
        stored = [result for result in results if not isinstance(result, Exception)]
        self.recovered_events += tuple(event for events in stored for event in events)
        self._file.add_news(
            Phrase(
                "trayalert was cut off in the middle of a write, as by a power cut. Callbacks of it that could be read "
                "and were taken over: {count:,}. What is missing was not answered yet, unless the disk has damaged it "
                "since: Cloud Monitor sends it again.",
                count=len(stored),
            )
        )
        self._set_problem(None)

    def _set_problem(self, problem: str | None) -> None:
        """Update `state` and write changes to the program log. `problem` is a sentence, or None if there is no problem.

        After the disk was full, None removes the problem from `state` only if the disk has enough free space again.
        """
        before = self.state
        if problem is None and self._full:
            self._full = not has_space(self._path)
            problem = before.problem if self._full else None
        if problem is None and before.problem is not None:
            self._warning = disk_warning(self._path)
        now = WriterState(
            problem=problem,
            warning=self._warning if problem is None else None,
            news=self._file.news,
            new_file=self._file.new_file,
            former_logs=self._file.former_logs,
        )
        if now == before:
            return
        if problem != before.problem:
            if problem is None:
                _logger.warning("the log can be written again")
            else:
                _logger.error("%s", problem)
            self._file.set_busy_timeout(after_fault=problem is not None)
        for sentence in now.news:
            if sentence not in before.news:
                _logger.warning("%s", sentence)
        self.state = now

    def _store(self, jobs: Sequence[Job]) -> list[Events | Exception]:
        """Store the jobs. Return for each job, in order, its events, or an exception if the job failed.

        If a fault occurs, repair the fault and try a second time. Raise LogFault if the repair or the second try fails.
        """
        for retry in (True, False):
            self._file.ensure_open()
            try:
                results: list[Events | Exception] = list(self._transaction(jobs))
            except Exception as error:
                if not is_disk_error(error):
                    _logger.exception("what was read in a callback cannot be stored; its bytes are kept")
                    return [self._store_alone(job) for job in jobs]
                self._repair(error, retry=retry)
            else:
                if (
                    self.state.problem
                    or self.state.warning != self._warning
                    or self.state.new_file != self._file.new_file
                ):
                    self._set_problem(None)
                return results
        raise AssertionError  # not reached: the second pass returns or raises

    def _repair(self, error: sqlite3.Error, *, retry: bool) -> None:
        """Repair the fault that `error` means. Raise the fault as a LogFault if it cannot be repaired.

        `retry` is False after the second try has failed. The fault is then always raised.
        """
        fault = fault_of(error, self._path)
        match fault:
            case DiskFull():
                self._full = True
                # a sync may have failed, and then the whole file must be synced again
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_FULL:
                    self._file.close_after_fault()
                if not retry or not delete_reserve_file(self._path):
                    raise fault
                self._warning = disk_warning(self._path)
                with contextlib.suppress(sqlite3.Error, LogFault):
                    self._file.connection.execute("PRAGMA wal_checkpoint")
                    self._file.note_own_write()
            case DamagedLog():
                if not retry:
                    raise fault
                self._file.replace_damaged(fault)
            case LockedLog():
                raise fault
            case _:
                self._file.close_after_fault()
                raise fault

    def _store_alone(self, job: Job) -> Events | Exception:
        try:
            self._file.ensure_open()
            return self._transaction([job])[0]
        except LogFault as fault:
            return NotStored(str(fault))
        except Exception as error:  # noqa: BLE001 - logged by `_store`
            if is_disk_error(error):
                return self._repair_alone(error)
            if isinstance(job, Append) and job.alerts != (raw := self._keep_raw(job.callback)):
                return self._store_alone(replace(job, alerts=raw))
            if isinstance(error, sqlite3.IntegrityError):
                # trayalert never assigns an id twice, so two rows have the same id only in a damaged file
                self._file.verify()
            return NotStored(Phrase("the log could not take it: {error}", error=error))

    def _repair_alone(self, error: sqlite3.Error) -> NotStored:
        try:
            self._repair(error, retry=True)
        except LogFault as fault:
            self._set_problem(str(fault))
            return NotStored(str(fault))
        text = N_("the log {path} had to be mended first: {error}")
        return NotStored(Phrase(text, path=self._path, error=reason_of(error)))

    def _transaction(self, jobs: Sequence[Job]) -> list[Events]:
        execute = self._file.connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            events = self._run_jobs(jobs)
            execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise
        finally:
            self._file.note_own_write()
        return events

    def _run_jobs(self, jobs: Sequence[Job]) -> list[Events]:
        connection = self._file.connection
        events: list[Events] = []
        # the jobs stay in order, because an alert may depend on the task before it
        for appends, run in groupby(jobs, lambda job: isinstance(job, Append)):
            some = list(run)
            if appends:
                events += append_all(connection, [job for job in some if isinstance(job, Append)])
            else:
                events += [job.run(connection) for job in some if not isinstance(job, Append)]
        return events
