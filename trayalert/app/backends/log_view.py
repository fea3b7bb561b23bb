"""The log as the main thread reads it: it may be unreadable for a while, or another file may take its place.

Main thread only. Nothing here raises: a question that cannot be answered is trouble until the same one is answered
again, and each failure lets the file go, so that the next question opens what lies there then. Where a failure took
long (another program has locked the file) no question is asked for a while: the window must not stand still.
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
        """`verify` is called where the file is damaged or gone: who writes it may not have seen that."""
        self._path = path
        self._verify = verify
        self._reader: Reader | None = None
        self._problems: dict[str, str] = {}
        self._paused_until = float("-inf")

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be answered, in sentences."""
        return tuple(dict.fromkeys(self._problems.values()))

    def ask(self, question: str, answer: Callable[[Reader], _Answer]) -> _Answer | None:
        """Return the answer, None where the log cannot be read."""
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
        except Exception:  # a bug of ours must not leave a picture standing that was calm once
            _logger.exception("the log did not answer")
            self._problems[question] = _OUR_FAULT
            return None
        self._problems.pop(question, None)
        return found

    def close(self) -> None:
        """Close the file; the next question opens what lies there then."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
