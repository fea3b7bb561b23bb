"""Read-only connections to the log. A connection must be used only on the thread that opened it.

While the writer has the log open, another file may be put at the log's path. A reader in the writer's process must not
open the other file, for these reasons:

1. Beside the other file, the reader would find the `-shm` that belongs to the writer's file.
2. SQLite's locks on this `-shm` do not work between the reader and the writer, which are in one process. The reader
   would find no other connection.
3. A reader that finds no other connection truncates the `-shm`, which the writer still has mapped.

The writer therefore registers its file here, and readers refuse any other file at the path.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from trayalert.domain.phrase import Phrase
from trayalert.storage.faults import LogFault, NoLog, reason_of

_registered: dict[str, tuple[int, int]] = {}


def register(path: Path, file: tuple[int, int] | None) -> None:
    """Record that this process writes to the file at `path`. Readers then refuse any other file at this path.

    The pair `file` is the device number and the inode number of the file. If `file` is None, do nothing.
    """
    if file is not None:
        _registered[os.path.realpath(path)] = file


def unregister(path: Path) -> None:
    """Remove the registration of the path.

    The writer calls this function when it no longer writes to the file.
    """
    _registered.pop(os.path.realpath(path), None)


def refuse_replaced_file(path: Path) -> None:
    """Raise NoLog if a file is registered for the path, but another file is there now."""
    own = _registered.get(os.path.realpath(path))
    if own is None:
        return
    try:
        found = path.stat()
    except OSError:
        return
    if (found.st_dev, found.st_ino) != own:
        raise NoLog(
            Phrase(
                "another file was put in the place of the log {path} just now; trayalert looks at it first", path=path
            )
        )


def decode_text(text: bytes) -> str:
    """Decode the bytes of a value in a text column. Used as the `text_factory` of connections.

    Invalid UTF-8 is replaced, so that a damaged character does not make the rest of the row unreadable.
    """
    return text.decode(errors="replace")


def connect_read_only(path: Path, *, timeout: float = 2.0) -> sqlite3.Connection:
    """Return a read-only connection. Its queries wait up to `timeout` seconds for a lock of another program."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=timeout)
    connection.text_factory = decode_text
    return connection


@contextmanager
def open_read_only(log: Path) -> Iterator[sqlite3.Connection]:
    """Open a read-only connection to the log for a `with` block. The connection is closed at the end of the block.

    Raise LogFault if the log cannot be opened, or if SQLite raises an error inside the block.
    """
    refuse_replaced_file(log)
    try:
        with closing(connect_read_only(log)) as connection:
            yield connection
    # a UnicodeDecodeError means that SQLite's error message quotes a damaged schema that is not valid UTF-8
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise LogFault(Phrase("the log {path} cannot be read: {reason}", path=log, reason=reason_of(error))) from error
