"""The bridge that carries events from the receiver's thread to the widgets, in batches.

At most one Qt signal is queued at any time. A separate signal for each event would take more time than the handling of
the event. Qt's event queue would then grow faster than the main thread can empty the queue.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from trayalert.domain.events import Event

BATCH_INTERVAL_MS: Final = 50
"""Minimum time between two batches, in milliseconds."""


class ThrottledAction(QTimer):
    """Runs `action` on request, but at most once every `min_interval` milliseconds."""

    def __init__(self, parent: QObject, min_interval: int, action: Callable[[], None]) -> None:
        super().__init__(parent, singleShot=True)
        self._min_interval = min_interval
        self._action = action
        self.since_run = QElapsedTimer()
        self.timeout.connect(self.run)

    def request(self) -> None:
        """Run the action now, but at least `min_interval` milliseconds after the previous run.

        While a request is waiting, further requests have no effect.
        """
        if self.isActive():
            return
        wait = self._wait()
        if wait > 0:
            self.start(wait)
        else:
            self.run()

    @property
    def ready(self) -> bool:
        """Whether no request is waiting and the next request would run the action immediately."""
        return not self.isActive() and self._wait() <= 0

    def _wait(self) -> int:
        return self._min_interval - self.since_run.elapsed() if self.since_run.isValid() else 0

    def run(self) -> None:
        """Run the action now, even within `min_interval` of the previous run. Drop a request that is waiting."""
        self.stop()
        self.since_run.restart()
        self._action()


class EventBridge(QObject):
    """Accepts events on any thread and emits them, in order and in batches, on the thread that created the bridge."""

    arrived = Signal(list)
    """Emitted with a batch, which is a list of one or more events."""
    _wakeup = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._wakeup_pending = False
        self._throttle = ThrottledAction(self, BATCH_INTERVAL_MS, self._drain)
        self._wakeup.connect(self._throttle.request, Qt.ConnectionType.QueuedConnection)

    def put(self, events: Sequence[Event]) -> None:
        """Queue events for the widgets. Any thread may call this method; the call never waits for the main thread."""
        with self._lock:
            self._waiting.extend(events)
            wake = bool(events) and not self._wakeup_pending
            self._wakeup_pending = self._wakeup_pending or wake
        if wake:
            self._wakeup.emit()

    def _drain(self) -> None:
        with self._lock:
            batch = list(self._waiting)
            self._waiting.clear()
            self._wakeup_pending = False
        if batch:
            self.arrived.emit(batch)
