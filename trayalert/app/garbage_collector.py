"""Runs Python's garbage collection on Qt's thread only.

Where another thread collects Qt objects, PySide holds a lock of Qt and waits for the GIL, while the main thread may
hold the GIL and wait for that lock: tray and receiver then stand still for ever.
"""

import asyncio
import gc
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

THRESHOLD: Final = 5_000
"""The receiver's thread requests a collection at this number of new objects. A connection leaves ten, 1 KB."""
_PAUSE_MS: Final = 60_000
"""Fewer new objects are collected after this time."""


def collect_due() -> None:
    """Collect the generation that Python's own thresholds call for, if any, on the calling thread."""
    counts, thresholds = gc.get_count(), gc.get_threshold()
    for generation in (2, 1, 0):
        if counts[generation] > thresholds[generation]:
            gc.collect(generation)
            return


class GarbageCollector(QObject):
    """Turns Python's automatic collection off, and collects on the thread that makes this object."""

    _due = Signal()

    def __init__(self) -> None:
        super().__init__()
        gc.disable()
        self._requested = False
        self._due.connect(self._collect, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=_PAUSE_MS)
        self._timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._timer.timeout.connect(collect_due)

    def start(self) -> None:
        """Start the collection of each minute; call it once QApplication exists. Objects of imports are left out."""
        gc.freeze()
        self._timer.start()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Check at each new task of the loop, which may run on another thread, whether a collection is due."""
        loop.set_task_factory(self._make_task)

    def _make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        if not self._requested and gc.get_count()[0] >= THRESHOLD:
            self._requested = True
            self._due.emit()
        return asyncio.Task(coroutine, loop=loop, **more)

    def _collect(self) -> None:
        self._requested = False
        collect_due()
