"""Runs several jobs in one transaction. A job whose values cannot be stored does not make the other jobs fail."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeGuard, TypeVar

_VALUE_ERRORS = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""Exceptions of `sqlite3` whose cause is a single bad value, and not the disk."""

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def is_disk_error(error: Exception) -> TypeGuard[sqlite3.Error]:
    """Return whether the error comes from the disk or the file, and not from a single value.

    An error of `sqlite3` without `sqlite_errorcode` comes from a value that Python's `sqlite3` module cannot convert.
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
    """Run all jobs under one savepoint. If any of the jobs cannot be stored, run each job alone instead.

    If all jobs can be stored together, return a list with one item, the result of `run(jobs)`. Otherwise return a list
    with one item for each job. The item is the result of `run([job])`, or of `fallback(job)` if the job cannot be
    stored.

    Must be called inside a transaction. Raise sqlite3.Error if the disk fails.
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
