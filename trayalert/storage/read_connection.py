"""Connections that only read. Each belongs to the thread that asks.

SQLite's locks do not hold within a process. A reader of a file that took the log's place would find the writer's `-shm`
beside it, take itself for the only connection, and empty it while the writer has it mapped. So the writer registers its
file, and no reader of this process opens another file at that path.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from trayalert.storage.faults import LogFault, NoLog

_registered: dict[str, tuple[int, int]] = {}


def register(path: Path, file: tuple[int, int] | None) -> None:
    """Note by device and number which file at the path this process writes."""
    if file is not None:
        _registered[os.path.realpath(path)] = file


def unregister(path: Path) -> None:
    """Note that this process does not write it any more."""
    _registered.pop(os.path.realpath(path), None)


def refuse_replaced_file(path: Path) -> None:
    """Raise NoLog if this process writes a file at the path, and another one is there now."""
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
    """Decode a text for `text_factory`: a damaged character must not hide all that lies around it."""
    return text.decode(errors="replace")


def connect_read_only(path: Path, *, timeout: float = 2.0) -> sqlite3.Connection:
    """Return a connection that cannot write. `timeout`: seconds that a question waits for another program's lock."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=timeout)
    connection.text_factory = decode_text
    return connection


@contextmanager
def open_read_only(log: Path) -> Iterator[sqlite3.Connection]:
    """Open the log for reading. Raise LogFault if it cannot be read, now or within the block."""
    refuse_replaced_file(log)
    try:
        with closing(connect_read_only(log)) as connection:
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged schema, quoted in what SQLite says, is no text
        raise LogFault(f"the log {log} cannot be read: {error}") from error
