"""The access log, with a line for each request. In a flood of requests from strangers, most requests have no line.

The path and the query of a request may contain the secret, and are never logged.

The event loop collects lines in memory. A thread writes the lines to disk. If the disk is slow or full, lines can be
lost, but no callback is lost.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

from trayalert.clock import now
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, iso
from trayalert.domain.token_bucket import TokenBucket

LARGEST_FILE = 512 * 1024
WRITE_INTERVAL = 1.0
"""Seconds between two writes to the file."""

_STRANGERS_AT_ONCE, _STRANGER_INTERVAL = 50, 1.0

_logger = logging.getLogger(__name__)


class AccessLogEntry(NamedTuple):
    """What the access log says about one request."""

    at: Millis
    sender: str
    method: str
    kind: str
    """One of these words:

    - "hook": a callback
    - "probe": a probe
    - "-": any other request, and a callback that was refused because of its request head
    """
    secret: str
    """The name of the callback's secret, or an empty string if `kind` is not "hook"."""
    status: int
    size: int
    """Length of the body in bytes."""
    seconds: float
    """How long the answer took."""

    def line(self) -> str:
        """Return the line: time, sender, method, kind, secret's name, status, body length, and duration in ms."""
        sender = printable(self.sender, limit=60) or "-"
        return (
            f"{iso(self.at)} {sender} {self.method} {self.kind} {self.secret or '-'}"
            f" {self.status} {self.size} {self.seconds * 1000:.1f}\n"
        )


class AccessLog:
    """The access log of one listener. Must be used on a single event loop.

    `lost` counts the lines that could not be written. `write_interval` is the number of seconds between two writes. At
    most `most_pending` lines are kept in memory between two writes.
    """

    def __init__(
        self,
        path: Path,
        *,
        write_interval: float = WRITE_INTERVAL,
        most_pending: int = 20_000,
        join_timeout: float = 2.0,
    ) -> None:
        self.lost = 0
        self._path = path
        self._write_interval = write_interval
        self._most_pending = most_pending
        self._join_timeout = join_timeout
        self._loop = asyncio.get_running_loop()
        self._pending: list[AccessLogEntry] = []
        self._strangers = TokenBucket(capacity=_STRANGERS_AT_ONCE, interval=_STRANGER_INTERVAL, now=time.monotonic())
        self._unlisted = 0
        self._timer: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None

    def add(self, entry: AccessLogEntry) -> None:
        """Keep an entry in memory until the next write.

        Strangers must not be able to fill the disk. If strangers send many requests, most of these requests are
        therefore counted, but get no line.
        """
        if self._timer is None:
            self._timer = self._loop.call_later(self._write_interval, self._write_soon)
        if not entry.secret and not self._strangers.take(time.monotonic()):
            self._unlisted += 1
        elif len(self._pending) < self._most_pending:
            self._pending.append(entry)
        else:
            self.lost += 1

    def close(self) -> None:
        """Write the lines that are still in memory.

        Wait at most `join_timeout` seconds for a write that is already running. Then wait at most `join_timeout`
        seconds for the final write.
        """
        if self._timer:
            self._timer.cancel()
        if self._thread:
            self._thread.join(self._join_timeout)
        self._start_thread()
        if self._thread:
            self._thread.join(self._join_timeout)

    def _write_soon(self) -> None:
        self._timer = None
        if self._thread and self._thread.is_alive():  # the previous write is still running: the disk is slow
            self._timer = self._loop.call_later(self._write_interval, self._write_soon)
        else:
            self._start_thread()

    def _start_thread(self) -> None:
        entries, unlisted = self._pending, self._unlisted
        self._pending, self._unlisted = [], 0
        if entries or unlisted:
            # a daemon thread, because a disk that hangs must not prevent the program from ending
            self._thread = threading.Thread(
                target=self._write, args=(entries, unlisted), name="access log", daemon=True
            )
            self._thread.start()

    def _write(self, entries: list[AccessLogEntry], unlisted: int) -> None:
        try:
            lines = [entry.line() for entry in entries]
            if unlisted:
                at = iso(now())
                lines.append(f"{at} ... {unlisted} more from strangers not listed\n")
            for start in range(0, len(lines), 1000):
                part = "".join(lines[start : start + 1000])
                append(self._path, part.encode("utf-8", "replace"), largest=LARGEST_FILE)
        except OSError:
            self.lost += len(entries)
        except Exception:
            _logger.exception("the access log could not be written")


def append(path: Path, content: bytes, *, largest: int) -> None:
    """Append the content to the file.

    If the file would become larger than `largest` bytes, rename the file to `NAME.1`, and append to a new file.
    """
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size + len(content) > largest:
            path.replace(path.with_name(f"{path.name}.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with open(descriptor, "ab") as file:  # noqa: PTH123 - a file descriptor, not a path
        file.write(content)
