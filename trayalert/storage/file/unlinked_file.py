"""A log whose file was deleted or replaced while it was open: it lives on in the open connection, until that closes."""

import contextlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from trayalert.domain.times import Millis
from trayalert.durable_file import sync_folder
from trayalert.storage.companion_files import FileId, file_id
from trayalert.storage.file.opened_log import enable_full_fsync
from trayalert.storage.recovery.quarantine import UNSALVAGED, create_folder, remove_unused_folder, write_salvage_result


def current_path(file: FileId) -> Path | None:
    """Return the present path of a file that this process has open, None if it was deleted or is unknown.

    The file is not opened: closing it would drop SQLite's locks.
    """
    with contextlib.suppress(OSError):
        for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all that is asked for
            descriptor = f"/proc/self/fd/{number}"
            with contextlib.suppress(OSError):
                found = os.stat(descriptor)  # noqa: PTH116 - as above
                if (found.st_dev, found.st_ino) == file and found.st_nlink:
                    path = Path(os.readlink(descriptor))  # noqa: PTH115
                    return path if file_id(path) == file else None  # another name of it may still be somewhere
    return None


def recreate_log(connection: sqlite3.Connection, path: Path) -> None:
    """Write the log again where it was. Raise sqlite3.Error or OSError; nothing is there then."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        _copy(connection, part)
        part.rename(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def copy_to_quarantine(connection: sqlite3.Connection, path: Path, *, reason: str, now: Millis) -> Path:
    """Write the log into a new folder of the quarantine, to be salvaged. Raise sqlite3.Error or OSError."""
    folder = create_folder(path, reason=reason, now=now)
    try:
        _copy(connection, folder / path.name)
    except BaseException:
        (folder / path.name).unlink(missing_ok=True)  # a part of a copy, which nobody has put there
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
