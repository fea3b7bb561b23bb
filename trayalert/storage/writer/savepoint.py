"""What becomes of several jobs when a value in one of them cannot be stored: it costs the others nothing."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeGuard, TypeVar

_VALUE_ERRORS = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""What SQLite raises for one bad value; its other errors are the disk's, and hit all alike."""

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def is_disk_error(error: Exception) -> TypeGuard[sqlite3.Error]:
    """Whether it is the disk's; what the module itself raises of a value that it cannot read has no code."""
    return (
        isinstance(error, sqlite3.Error) and not isinstance(error, _VALUE_ERRORS) and hasattr(error, "sqlite_errorcode")
    )


def run_all_or_each(
    connection: sqlite3.Connection,
    jobs: Sequence[_Job],
    run: Callable[[Sequence[_Job]], _Result],
    fallback: Callable[[_Job], _Result],
) -> list[_Result]:
    """Run all jobs under one savepoint; if one cannot be stored, run each alone, and `fallback` for that one.

    Return one result of all, or one of each. Raise errors of the disk. Call it inside a transaction.
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
        with contextlib.suppress(sqlite3.Error):  # a disk that fails takes the savepoint along
            connection.execute("RELEASE jobs")
