"""The program's own logging: one line an entry on stderr, with every secret masked.

What comes again and again is cut short: a disk fault under a flood of callbacks must not fill another disk with words.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

AT_ONCE = 20
PAUSE = 10.0
"""So many entries of one kind are written at once; after them one in so many seconds."""

_MOST_KINDS = 1000


class _Masked(logging.Formatter):
    """Masks the finished text, so that no message, argument or traceback can carry a secret out."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        more = getattr(record, "left_out", 0)
        return self._mask(super().format(record) + (f" (and {more} more like it)" if more else ""))


@dataclass(slots=True)
class _Kind:
    """Entries of one logger with one template."""

    written: int
    last_at: float
    left_out: int = 0


class Sparing(logging.Filter):
    """Lets only some of many entries of one kind pass, and counts the others for the next that does."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()  # a handler asks its filters before it takes its own
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the entry is written."""
        with self._lock:
            return self._passes(record)

    def _passes(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        key = (record.name, str(record.msg))
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = _Kind(written=0, last_at=now)
        elif now - kind.last_at >= PAUSE * AT_ONCE:
            kind.written = 0  # it has been quiet for long
        if kind.written >= AT_ONCE and now - kind.last_at < PAUSE:
            kind.left_out += 1
            return False
        record.left_out = kind.left_out
        kind.written, kind.last_at, kind.left_out = kind.written + 1, now, 0
        return True


def log_to_stderr(mask: Callable[[str], str]) -> None:
    """Send warnings and worse to stderr."""
    stream = logging.StreamHandler()
    stream.setFormatter(_Masked(mask))
    stream.addFilter(Sparing())
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(logging.WARNING)
