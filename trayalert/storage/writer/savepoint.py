"""Runs several jobs in one transaction. If a value in one of them cannot be stored, the others do not fail."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeGuard, TypeVar

_VALUE_ERRORS = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""Exceptions that `sqlite3` raises because of a single bad value.

An exception of `sqlite3` that is not in this list means that the disk has failed, which affects all jobs.
"""

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def is_disk_error(error: Exception) -> TypeGuard[sqlite3.Error]:
    """Return whether the error comes from the disk or the file, and not from a single value.

    If Python's `sqlite3` module itself cannot convert a value, the error that it raises has no `sqlite_errorcode`.
    """
    return (
        isinstance(error, sqlite3.Error) and not isinstance(error, _VALUE_ERRORS) and hasattr(error, "sqlite_errorcode")
    )


def run_all_or_each(
    connection: sqlite3.Connection,
    jobs: Sequence[_Job],
    run: Callable[[Sequence[_Job]], _Result],
    fallback: Callable[[_Job], _Result],
) -> list[_Result]:
    """Run all jobs under one savepoint. If one of them cannot be stored, run each job alone instead.

    If all jobs can be stored together, return a list with the single result of `run(jobs)`. Otherwise return one result
    for each job: the result of `run([job])`, or the result of `fallback(job)` if the job cannot be stored. Raise
    sqlite3.Error if the disk fails. Must be called inside a transaction.
    """
    connection.execute("SAVEPOINT jobs")
    try:
        return [run(jobs)]
    except Exception as error:
        if is_disk_error(error):
            raise
        connection.execute("ROLLBACK TO jobs")
        if len(jobs) == 1:
            return [fallback(jobs[0])]
        return [result for job in jobs for result in run_all_or_each(connection, [job], run, fallback)]
    finally:
        with contextlib.suppress(sqlite3.Error):  # if the disk failed, SQLite may have rolled back the savepoint
            connection.execute("RELEASE jobs")
