"""Reads the log for the main thread, even if the log is unreadable for a while or another file takes its place.

Main thread only. Nothing here raises. A failed query is reported as a problem until the same query succeeds. Each fault
closes the file, so that the next query opens the file that is at the path by then. After a fault that took long (for
example because another program has locked the file) no query is made for a second, so that the window does not freeze.
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
"""Seconds for which SQLite waits for a lock."""
_LONG = 0.05
"""Seconds after which a failed query counts as one that took long."""
_REST = 1.0
"""Seconds without queries after a failed query that took long."""


class LogView:
    """Queries the log through a Reader that is opened when it is needed."""

    def __init__(self, path: Path, *, verify: Callable[[], None]) -> None:
        """`verify` is called if the file is found damaged or missing, because the writer may not have noticed."""
        self._path = path
        self._verify = verify
        self._reader: Reader | None = None
        self._problems: dict[str, str] = {}
        self._paused_until = float("-inf")

    @property
    def problems(self) -> tuple[str, ...]:
        """The reasons why queries fail at present, as sentences without duplicates."""
        return tuple(dict.fromkeys(self._problems.values()))

    def ask(self, question: str, answer: Callable[[Reader], _Answer]) -> _Answer | None:
        """Return what `answer` reads, or None if the log cannot be read.

        `question` identifies the query. The problem of a failed query is reported until a query with the same
        `question` succeeds.
        """
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
        except Exception:  # reported as a problem, so that outdated incidents do not look like the present ones
            _logger.exception("the log did not answer")
            self._problems[question] = _OUR_FAULT
            return None
        self._problems.pop(question, None)
        return found

    def close(self) -> None:
        """Close the file. The next query opens the file that is at the path by then."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
