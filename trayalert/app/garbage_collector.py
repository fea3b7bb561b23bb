"""Runs Python's garbage collection on the main thread only.

A collection on another thread can cause a deadlock. If the collection frees Qt objects, PySide holds a lock of Qt and
waits for the GIL. At the same time, the main thread may hold the GIL and wait for the same lock.
"""

import asyncio
import gc
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

THRESHOLD: Final = 5_000
"""Number of new objects at which the receiver's thread requests a collection.

Each HTTP connection leaves ten objects behind, which take 1 KB in total.
"""

_PAUSE_MS: Final = 60_000
"""Milliseconds between two calls of `collect_due`. These calls do not depend on THRESHOLD."""


def collect_due() -> None:
    """Run a garbage collection on the calling thread if a generation is due.

    A generation is due if its count exceeds Python's own threshold. If several generations are due, the oldest is
    collected.
    """
    counts, thresholds = gc.get_count(), gc.get_threshold()
    for generation in (2, 1, 0):
        if counts[generation] > thresholds[generation]:
            gc.collect(generation)
            return


class GarbageCollector(QObject):
    """Disables Python's automatic garbage collection, and collects on the thread that created this object."""

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
        """Start checking once a minute whether a collection is due. Call this method after creating QApplication.

        Objects that already exist, mostly from imports, are excluded from all later collections.
        """
        gc.freeze()
        self._timer.start()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on, count the new objects each time `loop` creates a task.

        If there are at least THRESHOLD new objects, request a collection. The loop may run on another thread. The
        collection still runs on the thread that created this object.
        """
        loop.set_task_factory(self._make_task)

    def _make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        if not self._requested and gc.get_count()[0] >= THRESHOLD:
            self._requested = True
            self._due.emit()
        return asyncio.Task(coroutine, loop=loop, **more)

    def _collect(self) -> None:
        self._requested = False
        collect_due()
