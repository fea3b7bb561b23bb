"""Python's garbage collection on Qt's thread alone.

A collection on another thread frees objects of Qt there. PySide then waits for the interpreter while it holds a lock of
Qt's, the main thread waits for that lock while it has the interpreter, and with both stands the receiver.
"""

import asyncio
import gc
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

MANY: Final = 5_000
"""So many new objects are collected at once, whichever thread made them. A connection leaves 1 KB in ten objects."""
_PAUSE_MS: Final = 60_000
"""What fewer new objects may wait."""


def collect_due() -> None:
    """Collect what Python itself would by its thresholds, here and now."""
    counts, thresholds = gc.get_count(), gc.get_threshold()
    for generation in (2, 1, 0):
        if counts[generation] > thresholds[generation]:
            gc.collect(generation)
            return


class GarbageCollector(QObject):
    """Takes collection over from Python, which does it on any thread, for the thread that makes this object."""

    _due = Signal()

    def __init__(self) -> None:
        super().__init__()
        gc.disable()
        self._asked = False
        self._due.connect(self._collect, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=_PAUSE_MS)
        self._timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._timer.timeout.connect(collect_due)

    def start(self) -> None:
        """Collect once a minute, too; once Qt runs. What imports have made is left out: it stays to the end."""
        gc.freeze()
        self._timer.start()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ask for a collection when the tasks of a loop on another thread have left much."""
        loop.set_task_factory(self._make_task)

    def _make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        if not self._asked and gc.get_count()[0] >= MANY:
            self._asked = True
            self._due.emit()
        return asyncio.Task(coroutine, loop=loop, **more)

    def _collect(self) -> None:
        self._asked = False
        collect_due()
