"""Sets up the program log, which goes to stderr and to a file. Every secret in the program log is masked.

If there are many similar entries, most of them are left out, so that the program log does not fill the disk. For
example, each callback of a flood may cause an entry.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trayalert.listener.access_log import append

AT_ONCE = 20
PAUSE = 10.0
"""Minimum number of seconds between two written entries of one kind, after the first AT_ONCE entries of the kind."""

LARGEST = 1_000_000
"""Maximum size of the program log's file, in bytes.

Before the file exceeds this size, it is renamed with the suffix `.1`, and a new file is begun. An older file with that
suffix is replaced.
"""

_MOST_KINDS = 1000
_MOST_WAITING = 1000
_PATIENCE = 2.0
"""Maximum time that `flush` waits for the program log's disk, in seconds. The disk may hang."""


class _MaskingFormatter(logging.Formatter):
    """Masks the secrets in the complete text of an entry: in its message, arguments and traceback."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """Return the masked text of the entry, including the number of similar entries that were left out."""
        more = getattr(record, "left_out", 0)
        return self._mask(super().format(record) + (f" (and {more} more like it)" if more else ""))


@dataclass(slots=True)
class _EntryKind:
    """Counts the entries of one kind. Entries of a kind have the same logger and the same message template."""

    written: int
    last_at: float
    left_out: int = 0


class FloodFilter(logging.Filter):
    """Leaves out most entries of a kind if there are many.

    Entries of a kind have the same logger and the same message template. The next written entry of the kind says how
    many entries were left out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()  # logging calls a filter before it takes the handler's lock
        self._kinds: dict[tuple[str, str], _EntryKind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the entry."""
        with self._lock:
            return self._passes(record)

    def _passes(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        key = (record.name, str(record.msg))
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = _EntryKind(written=0, last_at=now)
        elif now - kind.last_at >= PAUSE * AT_ONCE:
            kind.written = 0  # there was no entry of this kind for a long time
        if kind.written >= AT_ONCE and now - kind.last_at < PAUSE:
            kind.left_out += 1
            return False
        record.left_out = kind.left_out
        kind.written, kind.last_at, kind.left_out = kind.written + 1, now, 0
        return True


class _BackgroundFile(logging.Handler):
    """Appends entries to a file on a separate thread.

    If the disk hangs, is full or is read-only, the caller is not blocked and gets no exception.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        # not the handler's own lock, which logging.shutdown() holds while it waits in flush()
        self._guard = threading.Lock()
        self._waiting: list[str] = []
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the entry for the thread, and start the thread if it is not running.

        If _MOST_WAITING entries are queued already, the entry is dropped.
        """
        line = self.format(record) + "\n"
        with self._guard:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append(line)
            if self._thread is None:
                thread = threading.Thread(target=self._write, name="program log", daemon=True)
                with contextlib.suppress(RuntimeError):  # no thread can be started now; the next entry tries again
                    thread.start()
                    self._thread = thread

    def flush(self) -> None:
        """Wait until the queued entries have been written, but at most _PATIENCE seconds."""
        thread = self._thread
        if thread:
            thread.join(_PATIENCE)

    def _write(self) -> None:
        while lines := self._taken():
            with contextlib.suppress(OSError):
                append(self._path, "".join(lines).encode("utf-8", "replace"), largest=LARGEST)

    def _taken(self) -> list[str]:
        with self._guard:
            lines, self._waiting = self._waiting, []
            if not lines:
                self._thread = None
            return lines


def configure_logging(mask: Callable[[str], str], file: Path | None = None) -> None:
    """Send warnings and errors to stderr and to `file`. Entries of LIFECYCLE_LOGGER go only to `file`.

    `mask` returns the given string with its secrets replaced.
    """
    root = logging.getLogger()
    root.handlers[:] = [logging.StreamHandler(), *([_BackgroundFile(file)] if file else [])]
    for handler in root.handlers:
        handler.setFormatter(_MaskingFormatter(mask))
        handler.addFilter(FloodFilter())
    root.handlers[0].setLevel(logging.WARNING)
    root.setLevel(logging.WARNING)
    LIFECYCLE_LOGGER.setLevel(logging.INFO)


LIFECYCLE_LOGGER = logging.getLogger("trayalert.program")
"""The logger for the start and the end of the program. Its entries go only to the file."""
