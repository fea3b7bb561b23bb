"""The way of events from the receiver's thread to the widgets. Its rule: one queued poke at a time, whatever comes.

One Qt signal for each event would cost more than the alert itself and fill Qt's queue faster than it drains.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from trayalert.domain.events import Event

BATCH_INTERVAL_MS: Final = 50
"""Batches come at most this often; the eye does not see more."""


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
        self._drained_at = float("-inf")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._drain)
        self._wakeup.connect(self._schedule_drain, Qt.ConnectionType.QueuedConnection)

    def put(self, events: Sequence[Event]) -> None:
        """Hand over events; called on the receiver's thread, never waits for the main one."""
        with self._lock:
            self._waiting.extend(events)
            wake = bool(events) and not self._wakeup_pending
            self._wakeup_pending = self._wakeup_pending or wake
        if wake:
            self._wakeup.emit()

    def _schedule_drain(self) -> None:
        since = (time.monotonic() - self._drained_at) * 1000
        if since >= BATCH_INTERVAL_MS:
            self._drain()
        else:
            self._timer.start(int(BATCH_INTERVAL_MS - since) + 1)

    def _drain(self) -> None:
        self._drained_at = time.monotonic()
        with self._lock:
            batch = list(self._waiting)
            self._waiting.clear()
            self._wakeup_pending = False
        if batch:
            self.arrived.emit(batch)
