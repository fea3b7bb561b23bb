"""Which files are at the log's path and beside it: `-wal` and `-shm`, backups, the quarantine, the reserve file."""

import os
from pathlib import Path

FileId = tuple[int, int] | None
"""Device and number of the file that is at a path; None where there is none."""


def backups_of(log: Path) -> Path:
    """Return the folder of the daily backups."""
    return log.with_name("backups")


def quarantine_of(log: Path) -> Path:
    """Return the folder of files that were moved aside; nothing in it is ever deleted."""
    return log.with_name("quarantine")


def reserve_file_of(log: Path) -> Path:
    """Return the file that is let go when the disk is full, so that what waits can still be stored."""
    return log.with_name("ballast")


def restored_of(log: Path) -> Path:
    """Return the file of a restored backup that is whole and waits to take the log's place."""
    return log.with_name(f"{log.name}.restored")


def file_ids(path: Path) -> tuple[FileId, ...]:
    """Return which files are at the log's paths now; a log that is empty is none."""
    return file_id(path, empty=False), file_id(f"{path}-wal"), file_id(f"{path}-shm")


def file_size(path: Path) -> int:
    """Return the file's length, -1 where there is none."""
    return size_and_mtime(path)[0]


def size_and_mtime(path: Path) -> tuple[int, int]:
    """Return the file's length, -1 where there is none, and when it was written last."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked at each commit
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def file_id(path: Path | str, *, empty: bool = True) -> FileId:
    """Return which file is at this path; a link is one of its own."""
    try:
        found = os.lstat(path)  # three a commit: a Path each would cost more than the question
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if empty or found.st_size else None
