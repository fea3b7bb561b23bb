"""The files at the log's path and beside it, with their paths and identities.

The files are the log, its `-wal` and `-shm`, the backups, the quarantine, the reserve file and a restored backup.
"""

import os
from pathlib import Path

FileId = tuple[int, int] | None
"""Identity of the file at a path: its device and inode number, or None if there is no file."""


def backups_of(log: Path) -> Path:
    """Return the folder of the daily backups."""
    return log.with_name("backups")


def quarantine_of(log: Path) -> Path:
    """Return the folder into which logs are moved aside, and in which no log is ever deleted."""
    return log.with_name("quarantine")


def reserve_file_of(log: Path) -> Path:
    """Return the path of the reserve file, which is deleted when the disk is full, to make room for more callbacks."""
    return log.with_name("ballast")


def restored_of(log: Path) -> Path:
    """Return the path at which a restored backup waits, complete, to take the log's place."""
    return log.with_name(f"{log.name}.restored")


def file_ids(path: Path) -> tuple[FileId, ...]:
    """Return the present identities of the log, its `-wal` and its `-shm`. An empty log counts as no file."""
    return file_id(path, empty=False), file_id(f"{path}-wal"), file_id(f"{path}-shm")


def file_size(path: Path) -> int:
    """Return the file's size in bytes, or -1 if there is no file."""
    return size_and_mtime(path)[0]


def size_and_mtime(path: Path) -> tuple[int, int]:
    """Return the file's size in bytes and the time of its last write in nanoseconds, or (-1, 0) if there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - called at each commit, and faster than Path.stat
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def file_id(path: Path | str, *, empty: bool = True) -> FileId:
    """Return the identity of the file at this path, or None if there is no file.

    A symbolic link is not followed: the identity of the link itself is returned. If `empty` is False, an empty file
    counts as no file.
    """
    try:
        found = os.lstat(path)  # called three times per commit: making a Path would take longer than the call itself
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if empty or found.st_size else None
