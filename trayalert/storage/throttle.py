"""A throttle for long work on a thread: it pauses the work so that the listener gets the GIL, and can stop the work."""

import time


class WorkStopped(Exception):
    """Raised within long work that was stopped because the program ends."""


class Throttle:
    """A callable that long work calls often, and that sleeps `pause` seconds after every `work` seconds of work.

    During the pause, other threads get the GIL. `stop` ends the work, and may be called from any thread.
    """

    def __init__(self, *, work: float = 0.002, pause: float = 0.001) -> None:
        self._work, self._pause = work, pause
        self._since = time.monotonic()
        self._stopped = False

    def stop(self) -> None:
        """Make the next call of this object raise WorkStopped."""
        self._stopped = True

    def __call__(self) -> None:
        """Sleep if the work has run for `work` seconds since the last pause. Raise WorkStopped after `stop`."""
        if self._stopped:
            raise WorkStopped
        if time.monotonic() - self._since >= self._work:
            time.sleep(self._pause)
            self._since = time.monotonic()
