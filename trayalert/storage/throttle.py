"""A throttle for long work on a background thread.

The throttle makes the work pause regularly, so that the listener's thread gets the GIL. It can also stop the work.
"""

import time


class WorkStopped(Exception):
    """Raised inside long work that was stopped because the program is ending."""


class Throttle:
    """An object that long work calls often. The call sleeps for `pause` seconds after every `work` seconds of work.

    While the work sleeps, other threads get the GIL. `stop` makes the work end, and may be called from any thread.
    """

    def __init__(self, *, work: float = 0.002, pause: float = 0.001) -> None:
        self._work, self._pause = work, pause
        self._since = time.monotonic()
        self._stopped = False

    def stop(self) -> None:
        """Make the next call of this object raise WorkStopped."""
        self._stopped = True

    def __call__(self) -> None:
        """Sleep if `work` seconds have passed since the last pause. Raise WorkStopped if `stop` was called."""
        if self._stopped:
            raise WorkStopped
        if time.monotonic() - self._since >= self._work:
            time.sleep(self._pause)
            self._since = time.monotonic()
