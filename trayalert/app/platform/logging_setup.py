"""Sets up the program log: one line for each entry, on stderr and in a file, with every secret masked.

Repeated entries are left out, so that a fault of the log's disk during a flood of callbacks does not fill the disk of
the program log, too.
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
"""The first AT_ONCE entries of a kind are written, and then one entry every PAUSE seconds."""

LARGEST = 1_000_000
"""Maximum size of the file in bytes. A larger file is renamed to `.1`, which replaces the file of that name."""

_MOST_KINDS = 1000
_MOST_WAITING = 1000
_PATIENCE = 2.0
"""Seconds for which the end of the program waits for a disk that hangs."""


class _MaskingFormatter(logging.Formatter):
    """Masks the finished text of an entry, so that no message, argument or traceback contains a secret."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """Return the masked line."""
        more = getattr(record, "left_out", 0)
        return self._mask(super().format(record) + (f" (and {more} more like it)" if more else ""))


@dataclass(slots=True)
class _EntryKind:
    """Counts the entries that have the same logger and the same message template."""

    written: int
    last_at: float
    left_out: int = 0


class FloodFilter(logging.Filter):
    """Passes only some of the entries of a kind if there are many.

    The next entry of the kind that passes says how many were left out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()  # logging calls a filter before it takes the handler's lock
        self._kinds: dict[tuple[str, str], _EntryKind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the entry is written."""
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

    A disk that hangs, is full or is read-only does not block or fail the caller.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        # not the handler's own lock, which logging.shutdown() holds while it waits in flush()
        self._guard = threading.Lock()
        self._waiting: list[str] = []
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line for the thread, which is started if it does not run."""
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
        """Wait until the queued lines are written, but at most _PATIENCE seconds."""
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
    """Send warnings and errors to stderr and to `file`. The entries of LIFECYCLE_LOGGER go to `file` only.

    `mask` removes secrets from the text of an entry.
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
"""The logger of the start and the end of the program. The entries of this logger go to the file only."""
