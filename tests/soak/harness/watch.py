"""Detects whether a program opens a file (with inotify) or connects to a port, and measures how long steps take."""

import ctypes
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_IN_ACCESS, _IN_OPEN = 0x1, 0x20


@dataclass(slots=True)
class Touched:
    """Counts accesses to the bait file and connections to the port.

    `calls` is the number of connections. `files` must be read only while the watch lasts.
    """

    port: int
    bait: Path
    calls: int = 0
    _events: int = field(default=-1)

    @property
    def files(self) -> int:
        """How often the bait file was opened or read since this property was last read."""
        try:
            content = os.read(self._events, 65536)
        except BlockingIOError:
            return 0
        return len(content) // struct.calcsize("iIII")


@contextmanager
def watched(folder: Path) -> Iterator[Touched]:
    """Create a picture file and listen on a port, and count accesses to both until the block ends.

    A program under test must access neither of them.
    """
    bait = folder / "bait.png"
    bait.write_bytes(b"no picture")
    libc = ctypes.CDLL(None, use_errno=True)
    events = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert events >= 0
    assert libc.inotify_add_watch(events, os.fsencode(bait), _IN_ACCESS | _IN_OPEN) >= 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        touched = Touched(server.getsockname()[1], bait, _events=events)

        def count() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return
                touched.calls += 1

        thread = threading.Thread(target=count, daemon=True)
        thread.start()
        try:
            yield touched
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            os.close(events)


def longest(*steps: Callable[[], object]) -> float:
    """Run the steps one after the other, and return the duration of the longest step in milliseconds."""
    worst = 0.0
    for step in steps:
        begun = time.perf_counter()
        step()
        worst = max(worst, (time.perf_counter() - begun) * 1000)
    return worst
