"""Connections to the log that only read. Each connection belongs to the thread that uses it.

No reader of this process may open a file that was put at the log's path while the writer has the former file open. The
reader would find the writer's `-shm` beside the new file. SQLite's locks on the `-shm` do not hold within a process, so
the reader would take itself for the only connection, and truncate the `-shm` while the writer has it mapped. Therefore
the writer registers its file here, and readers refuse any other file at that path.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from trayalert.storage.faults import LogFault, NoLog

_registered: dict[str, tuple[int, int]] = {}


def register(path: Path, file: tuple[int, int] | None) -> None:
    """Register the file that this process writes at the path: its device and inode number. Do nothing for None."""
    if file is not None:
        _registered[os.path.realpath(path)] = file


def unregister(path: Path) -> None:
    """Note that this process no longer writes a file at the path."""
    _registered.pop(os.path.realpath(path), None)


def refuse_replaced_file(path: Path) -> None:
    """Raise NoLog if this process writes a file at the path, but another file is there now."""
    own = _registered.get(os.path.realpath(path))
    if own is None:
        return
    try:
        found = path.stat()
    except OSError:
        return
    if (found.st_dev, found.st_ino) != own:
        raise NoLog(f"another file was put in the place of the log {path} just now; trayalert looks at it first")


def decode_text(text: bytes) -> str:
    """Decode a text column, as a connection's `text_factory`.

    Invalid UTF-8 is replaced, because a damaged character must not make the rest of the row unreadable.
    """
    return text.decode(errors="replace")


def connect_read_only(path: Path, *, timeout: float = 2.0) -> sqlite3.Connection:
    """Return a connection that cannot write. A query waits up to `timeout` seconds for another program's lock."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=timeout)
    connection.text_factory = decode_text
    return connection


@contextmanager
def open_read_only(log: Path) -> Iterator[sqlite3.Connection]:
    """Open the log for reading, and close it after the block.

    Raise LogFault if the log cannot be opened, or if SQLite raises an error within the block.
    """
    refuse_replaced_file(log)
    try:
        with closing(connect_read_only(log)) as connection:
            yield connection
    # UnicodeDecodeError: SQLite's error message quotes a damaged schema, and is then not valid UTF-8
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise LogFault(f"the log {log} cannot be read: {error}") from error
