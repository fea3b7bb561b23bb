"""Saves a log whose file was moved, deleted or replaced while the log was open.

If the file was deleted or replaced, it no longer has a name, and its content would be lost when the connection closes.
"""

import contextlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from trayalert.clock import now
from trayalert.domain.fault import os_error_text
from trayalert.domain.phrase import Phrase, as_sentence
from trayalert.durable_file import sync_folder
from trayalert.storage.companion_files import FileId, file_id
from trayalert.storage.faults import LogFault
from trayalert.storage.file.opened_log import enable_full_fsync
from trayalert.storage.recovery.quarantine import UNSALVAGED, create_folder, remove_unused_folder, write_salvage_result


def current_path(file: FileId) -> Path | None:
    """Return the current path of a file that this process has open, or None if the file was deleted or is not found.

    The path is read from /proc. The file is not opened here, because closing it would drop SQLite's locks.
    """
    with contextlib.suppress(OSError):
        for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - only the names are needed
            descriptor = f"/proc/self/fd/{number}"
            with contextlib.suppress(OSError):
                found = os.stat(descriptor)  # noqa: PTH116 - a plain name, as above
                if (found.st_dev, found.st_ino) == file and found.st_nlink:
                    path = Path(os.readlink(descriptor))  # noqa: PTH115
                    # if this name was deleted, the file still has another hard link, whose path is unknown
                    return path if file_id(path) == file else None
    return None


def save_unlinked(connection: sqlite3.Connection, path: Path, *, moved_to: Path | None, replaced: bool) -> str:
    """Write the content of an open log to a new file. Return a message about what was done.

    If `replaced` is set, another file is at the log's path, and the content is written to a quarantine folder.
    Otherwise the content is written to a new file at the log's path. `moved_to` is the present path of the open file,
    or None if the file was deleted. This path is only used in the message.

    Raise LogFault on failure. The caller must then keep the connection open, because no other copy of the content may
    exist.
    """
    try:
        if replaced:
            folder = _copy_to_quarantine(connection, path)
            return Phrase(
                "Another file took the place of the log {path} while trayalert ran; that one is used now. What was "
                "stored before lies in {folder}, and is taken over.",
                path=path,
                folder=folder,
            )
        _recreate_log(connection, path)
    except (OSError, sqlite3.Error) as error:
        raise LogFault(
            Phrase(
                "{removal}, and cannot be written again: {error}. Is its folder there, and writable? Do not end "
                "trayalert: it is tried again, and what is stored lives in it.",
                removal=_removal_text(path, moved_to),
                error=os_error_text(error),
            )
        ) from error
    return Phrase(
        "{removal}. It was written again from what was open; nothing is lost.",
        removal=as_sentence(_removal_text(path, moved_to)),
    )


def remove_own_wal(path: Path, own: tuple[FileId, ...], *, moved_to: Path | None) -> None:
    """Take away the `-wal` and `-shm` of a closed log. SQLite must not use these files with a new file at `path`.

    `own` contains the identities of the closed log, its `-wal` and its `-shm`, in this order. The `-shm` and an empty
    `-wal` are deleted. If a reader has prevented a checkpoint, the `-wal` is not empty, and is moved:

    - beside the closed log at `moved_to`, if no other `-wal` is there
    - to the quarantine in all other cases
    """
    _, own_wal, own_shm = own
    wal, shm = Path(f"{path}-wal"), Path(f"{path}-shm")
    with contextlib.suppress(OSError):
        if own_wal and file_id(wal) == own_wal:
            if wal.stat().st_size == 0:
                wal.unlink()
            elif moved_to and not Path(f"{moved_to}-wal").exists():
                wal.rename(f"{moved_to}-wal")
            else:
                reason = (
                    Phrase("this belongs to {path}", path=moved_to)
                    if moved_to
                    else Phrase("this belongs to a log that was deleted")
                )
                wal.rename(create_folder(path, reason=reason, now=now()) / wal.name)
        if own_shm and file_id(shm) == own_shm:
            shm.unlink()


def _removal_text(path: Path, moved_to: Path | None) -> str:
    """Return a clause that says what happened to the log."""
    if moved_to == path:
        return Phrase("the log {path} was parted from its -wal while trayalert ran", path=path)
    if moved_to:
        return Phrase("the log {path} was moved to {target} while trayalert ran", path=path, target=moved_to)
    return Phrase("the log {path} was deleted while trayalert ran", path=path)


def _recreate_log(connection: sqlite3.Connection, path: Path) -> None:
    """Write the content of the open log to a new file at `path`.

    On failure, raise sqlite3.Error or OSError and leave no file at `path`.
    """
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        _copy(connection, part)
        part.rename(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _copy_to_quarantine(connection: sqlite3.Connection, path: Path) -> Path:
    """Write the log into a new quarantine folder, from which it will be salvaged. Return the folder.

    Raise sqlite3.Error or OSError on failure.
    """
    folder = create_folder(path, reason=Phrase("another file was put in its place while trayalert ran"), now=now())
    try:
        _copy(connection, folder / path.name)
    except BaseException:
        (folder / path.name).unlink(missing_ok=True)  # this copy is incomplete; the open connection has all content
        remove_unused_folder(folder)
        raise
    sync_folder(folder)
    write_salvage_result(folder, UNSALVAGED)
    return folder


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(target)) as copy:
        enable_full_fsync(copy)
        connection.backup(copy)
