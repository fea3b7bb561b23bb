"""Runs Python's garbage collection on the main thread only.

A collection on another thread can deadlock the tray and the receiver for ever: when it frees Qt objects, PySide holds a
lock of Qt and waits for the GIL, while the main thread may hold the GIL and wait for the same lock.
"""

import asyncio
import gc
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

THRESHOLD: Final = 5_000
"""Number of new objects at which the receiver's thread requests a collection.

An HTTP connection leaves ten objects behind, which take 1 KB.
"""

_PAUSE_MS: Final = 60_000
"""Milliseconds between two periodic checks, which find collections that are due below THRESHOLD."""


def collect_due() -> None:
    """Collect the oldest generation whose count exceeds Python's own threshold, if there is one.

    The collection runs on the calling thread.
    """
    counts, thresholds = gc.get_count(), gc.get_threshold()
    for generation in (2, 1, 0):
        if counts[generation] > thresholds[generation]:
            gc.collect(generation)
            return


class GarbageCollector(QObject):
    """Disables Python's automatic collection, and collects on the thread on which this object was made."""

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
        """Start the collection that runs once a minute. Call this method after QApplication has been made.

        The objects that exist by then, mostly from imports, are excluded from all later collections.
        """
        gc.freeze()
        self._timer.start()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Check whether a collection is due each time `loop` makes a task. The loop may run on another thread."""
        loop.set_task_factory(self._make_task)

    def _make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        if not self._requested and gc.get_count()[0] >= THRESHOLD:
            self._requested = True
            self._due.emit()
        return asyncio.Task(coroutine, loop=loop, **more)

    def _collect(self) -> None:
        self._requested = False
        collect_due()
