"""The one writing connection: what is asked of it in one go is one transaction, synced to disk before it returns.

`Writing` is used by one thread at a time: the log's own, or a command line with no program running.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Protocol

from trayalert.domain.alert import Alert
from trayalert.domain.callback import Callback
from trayalert.domain.events import Event
from trayalert.storage.appending import Append, append_all
from trayalert.storage.faults import LogFault, NotStored
from trayalert.storage.schema import bring_up_to_date

_OF_ONE_VALUE = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""What SQLite raises for one bad value; its other errors are the disk's, and hit all alike."""

_logger = logging.getLogger(__name__)


class Task(Protocol):
    """Any other job. It runs inside the group's transaction, of which it is a part."""

    def run(self, connection: sqlite3.Connection) -> tuple[Event, ...]:
        """Do it, and return what it changed."""


Job = Append | Task
Events = tuple[Event, ...]


class Writing:
    """Writes jobs. `keep_raw` makes a harmless alert of a callback whose own alerts cannot be stored."""

    def __init__(self, path: Path, *, keep_raw: Callable[[Callback], tuple[Alert, ...]]) -> None:
        self._path = path
        self._keep_raw = keep_raw
        self._connection = _connect(path)
        self._lost = False

    def commit(self, jobs: Sequence[Job]) -> list[Events | Exception]:
        """Do all jobs in one transaction and return what each one changed, or why it could not be done.

        A job with a value that the log cannot take never costs the others: each is then done alone.
        """
        try:
            if self._lost:
                self._reopen()
            return list(self._transaction(jobs))
        except LogFault as fault:
            return [NotStored(str(fault))] * len(jobs)
        except Exception as error:
            if not _of_disk(error):
                _logger.exception("what was read in a callback cannot be stored; its bytes are kept")
                return [self._alone(job) for job in jobs]
            with contextlib.suppress(LogFault):
                self._reopen()
            return [self._not_written(error)] * len(jobs)

    def close(self) -> None:
        """Close the file; what was committed is safe without it."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _reopen(self) -> None:
        self.close()
        self._lost = True
        self._connection = _connect(self._path)
        self._lost = False

    def _alone(self, job: Job) -> Events | Exception:
        try:
            return self._transaction([job])[0]
        except Exception as error:  # noqa: BLE001 - logged by `commit`
            if _of_disk(error):
                return self._not_written(error)
            if isinstance(job, Append) and job.alerts != (raw := self._keep_raw(job.callback)):
                return self._alone(replace(job, alerts=raw))
            return NotStored(f"the log could not take it: {error}")

    def _not_written(self, error: Exception) -> NotStored:
        return NotStored(f"the log {self._path} could not be written: {error}")

    def _transaction(self, jobs: Sequence[Job]) -> list[Events]:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            events = self._do(jobs)
            execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                execute("ROLLBACK")
            raise
        return events

    def _do(self, jobs: Sequence[Job]) -> list[Events]:
        events: list[Events] = []
        for appends, run in groupby(jobs, _is_append):  # one after the other: what comes after a task may burn anew
            some = list(run)
            if appends:
                events += append_all(self._connection, [job for job in some if isinstance(job, Append)])
            else:
                events += [job.run(self._connection) for job in some if not isinstance(job, Append)]
        return events


def _is_append(job: Job) -> bool:
    return isinstance(job, Append)


def _of_disk(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and not isinstance(error, _OF_ONE_VALUE)


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file, make it where there is none (0600), and bring it up to date. Raise LogFault."""
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=2.0, cached_statements=512
        )
    except (OSError, sqlite3.Error) as error:
        raise LogFault(f"the log {path} cannot be opened: {error}. Is the folder writable?") from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        bring_up_to_date(connection)
    except sqlite3.Error as error:
        connection.close()
        raise LogFault(f"the log {path} cannot be used: {error}. Move it away, and a new one is made.") from error
    except LogFault:
        connection.close()
        raise
    return connection
