"""A throttle for long-running jobs on background threads.

The throttle makes the job pause regularly, so that the listener's thread gets the GIL. The throttle can also stop the
job.
"""

import time


class WorkStopped(Exception):
    """Raised by a throttle to end the job that calls it, for example because the program is ending."""


class Throttle:
    """Keeps a long-running job from holding the GIL all the time. The job must call the throttle often.

    If `work` seconds have passed since the last pause, a call sleeps for `pause` seconds, so that other threads get the
    GIL. `stop` may be called from any thread.
    """

    def __init__(self, *, work: float = 0.002, pause: float = 0.001) -> None:
        self._work, self._pause = work, pause
        self._since = time.monotonic()
        self._stopped = False

    def stop(self) -> None:
        """Make the next call to this throttle raise WorkStopped. This exception ends the job."""
        self._stopped = True

    def __call__(self) -> None:
        """Sleep if `work` seconds have passed since the last pause. Raise WorkStopped if `stop` was called."""
        if self._stopped:
            raise WorkStopped
        if time.monotonic() - self._since >= self._work:
            time.sleep(self._pause)
            self._since = time.monotonic()
