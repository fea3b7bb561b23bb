"""Events go from the receiver's thread to the widgets in batches, with at most one Qt signal queued.

One Qt signal for each event would cost more than the alert itself and fill Qt's queue faster than it drains.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from trayalert.domain.events import Event

BATCH_INTERVAL_MS: Final = 50
"""The shortest time between two batches."""


class ThrottledAction(QTimer):
    """Runs `action` on request: at once, or as soon as `min_interval` ms have passed since it last ran."""

    def __init__(self, parent: QObject, min_interval: int, action: Callable[[], None]) -> None:
        super().__init__(parent, singleShot=True)
        self._min_interval = min_interval
        self._action = action
        self.since_run = QElapsedTimer()
        self.timeout.connect(self.run)

    def request(self) -> None:
        """Run the action as soon as allowed; further requests until then are dropped."""
        if self.isActive():
            return
        wait = self._wait()
        if wait > 0:
            self.start(wait)
        else:
            self.run()

    @property
    def ready(self) -> bool:
        """Return whether no request waits and the next request runs the action at once."""
        return not self.isActive() and self._wait() <= 0

    def _wait(self) -> int:
        return self._min_interval - self.since_run.elapsed() if self.since_run.isValid() else 0

    def run(self) -> None:
        """Run the action now."""
        self.stop()
        self.since_run.restart()
        self._action()


class EventBridge(QObject):
    """Takes events on any thread and emits them in order, in batches, on the thread that made the bridge."""

    arrived = Signal(list)
    """A list of Event, at least one."""
    _wakeup = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._wakeup_pending = False
        self._throttle = ThrottledAction(self, BATCH_INTERVAL_MS, self._drain)
        self._wakeup.connect(self._throttle.request, Qt.ConnectionType.QueuedConnection)

    def put(self, events: Sequence[Event]) -> None:
        """Hand over events; called on the receiver's thread, never waits for the main thread."""
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
