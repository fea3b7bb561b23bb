"""The log as the main thread reads it: it may be unreadable for a while, or another file may take its place.

Main thread only. Nothing here raises: a failed question is a problem until the same one is answered. Each failure
closes the file, so that the next question opens the present one. After a failure that took long (another program has
locked the file) no question is asked for a while, so that the window does not freeze.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from trayalert.domain.fault import Fault
from trayalert.storage.faults import DamagedLog, NoLog
from trayalert.storage.reader import Reader

_logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

_OUR_FAULT = (
    "trayalert failed at reading the log, by a fault of its own. Restart it; if that does not help, send its makers "
    "what `trayalert diagnostics` gathers."
)

_PATIENCE = 0.1
_LONG = 0.05
_REST = 1.0
"""Seconds."""


class LogView:
    """Asks a Reader that it opens when it is needed."""

    def __init__(self, path: Path, *, verify: Callable[[], None]) -> None:
        """`verify` is called if the file is damaged or gone, which its writer may not have seen."""
        self._path = path
        self._verify = verify
        self._reader: Reader | None = None
        self._problems: dict[str, str] = {}
        self._paused_until = float("-inf")

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences about the questions without an answer."""
        return tuple(dict.fromkeys(self._problems.values()))

    def ask(self, question: str, answer: Callable[[Reader], _Answer]) -> _Answer | None:
        """Return the answer, None if the log cannot be read."""
        begun = time.monotonic()
        if begun < self._paused_until:
            return None
        try:
            if self._reader is None:
                self._reader = Reader(self._path, busy_timeout=_PATIENCE)
            found = answer(self._reader)
        except Fault as fault:
            if str(fault) not in self._problems.values():
                _logger.error("%s", fault)
            self._problems[question] = str(fault)
            if isinstance(fault, DamagedLog | NoLog):
                self._verify()
            self.close()
            if time.monotonic() - begun > _LONG:
                self._paused_until = time.monotonic() + _REST
            return None
        except Exception:  # after a fault of ours an old state must not look like the present one
            _logger.exception("the log did not answer")
            self._problems[question] = _OUR_FAULT
            return None
        self._problems.pop(question, None)
        return found

    def close(self) -> None:
        """Close the file; the next question opens the present one."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
