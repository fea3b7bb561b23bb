"""A connection that only reads, for questions of the housekeeping; it belongs to the thread that asks."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from trayalert.storage.faults import LogFault
from trayalert.storage.writer_registry import refuse_replaced_file


def decode_text(text: bytes) -> str:
    """Read a text of a file that may be damaged; for `text_factory`, as SQLite's own findings may quote such a file."""
    return text.decode(errors="replace")


@contextmanager
def open_read_only(log: Path) -> Iterator[sqlite3.Connection]:
    """Open the log for reading. Raise LogFault where it cannot be read, now or while it is asked.

    A damaged letter stops no question.
    """
    refuse_replaced_file(log)
    try:
        uri = f"{log.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=2.0)) as connection:
            connection.text_factory = decode_text
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged schema, quoted in what SQLite says, is no text
        raise LogFault(f"the log {log} cannot be read: {error}") from error
