"""Paths and identities of the log and the files beside it.

The files beside the log are its `-wal` and `-shm`, the backups, the quarantine, the reserve file and a restored backup.
"""

import os
from pathlib import Path

FileId = tuple[int, int] | None
"""Identity of the file at a path: its device number and its inode number, or None if there is no file."""


def backups_of(log: Path) -> Path:
    """Return the folder that holds the log's daily backups."""
    return log.with_name("backups")


def quarantine_of(log: Path) -> Path:
    """Return the quarantine folder. trayalert never deletes a log from this folder."""
    return log.with_name("quarantine")


def reserve_file_of(log: Path) -> Path:
    """Return the path of the reserve file, which is deleted to make room for more callbacks when the disk is full."""
    return log.with_name("ballast")


def restored_of(log: Path) -> Path:
    """Return the path of the restored backup.

    The restored backup is a complete copy of a backup. A restore renames the copy to the log.
    """
    return log.with_name(f"{log.name}.restored")


def file_ids(path: Path) -> tuple[FileId, ...]:
    """Return the current identities of the log, of its `-wal` and of its `-shm`. An empty log counts as missing."""
    return file_id(path, empty=False), file_id(f"{path}-wal"), file_id(f"{path}-shm")


def file_size(path: Path) -> int:
    """Return the file's size in bytes, or -1 if there is no file."""
    return size_and_mtime(path)[0]


def size_and_mtime(path: Path) -> tuple[int, int]:
    """Return the file's size in bytes and its modification time in nanoseconds, or (-1, 0) if there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - called at each commit, and faster than Path.stat
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def file_id(path: Path | str, *, empty: bool = True) -> FileId:
    """Return the identity of the file at the given path, or None if there is no file.

    If the path is a symbolic link, return the identity of the link itself. If `empty` is False, an empty file counts as
    missing.
    """
    try:
        found = os.lstat(path)  # called three times per commit: creating a Path would take longer than the call itself
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if empty or found.st_size else None
