"""Pauses in long work in a thread, so that the listener gets the interpreter, and a way to stop the work."""

import time


class WorkStopped(Exception):
    """The work was stopped, as the program ends."""


class Throttle:
    """Called in the course of long work: sleeps `pause` seconds after `work` seconds, so that others get their turn.

    `stop` ends the work; it is for any thread.
    """

    def __init__(self, *, work: float = 0.002, pause: float = 0.001) -> None:
        self._work, self._pause = work, pause
        self._since = time.monotonic()
        self._stopped = False

    def stop(self) -> None:
        """Let the next call raise WorkStopped."""
        self._stopped = True

    def __call__(self) -> None:
        """Sleep if it is time to. Raise WorkStopped."""
        if self._stopped:
            raise WorkStopped
        if time.monotonic() - self._since >= self._work:
            time.sleep(self._pause)
            self._since = time.monotonic()
