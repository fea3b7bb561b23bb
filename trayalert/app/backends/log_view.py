"""Reads the log for the widgets, and copes with a log that is unreadable for a time or is replaced with another file.

Main thread only. If a query fails, no exception is raised, but the problem is reported until the same query succeeds.
After each fault, the file is closed, and the next query opens the file that is at the path by then. If a failed query
took long, for example because another program had locked the file, no query is made for the next second, so that the
window does not freeze.
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
"""Seconds that SQLite waits for a lock."""
_LONG = 0.05
"""If a failed query took longer than this number of seconds, no query is made for the next _REST seconds."""
_REST = 1.0
"""Seconds without queries after a failed query that took longer than _LONG."""


class LogView:
    """Queries the log through a Reader, which is opened when a query needs it."""

    def __init__(self, path: Path, *, verify: Callable[[], None]) -> None:
        """Prepare to query the log at `path`, without opening the file yet.

        `verify` asks the writer to verify the log. It is called when a query finds the file damaged or missing, because
        the writer may not have noticed this.
        """
        self._path = path
        self._verify = verify
        self._reader: Reader | None = None
        self._problems: dict[str, str] = {}
        self._paused_until = float("-inf")

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences that say why queries currently fail, without duplicates."""
        return tuple(dict.fromkeys(self._problems.values()))

    def ask(self, question: str, answer: Callable[[Reader], _Answer]) -> _Answer | None:
        """Call `answer` with a Reader and return its result, or None if the log cannot be read or queries are paused.

        `question` identifies the query. If the query fails, its problem is in `problems` until a query with the same
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
        except Exception:  # reported as a problem, so that outdated incidents are not taken for current ones
            _logger.exception("the log did not answer")
            self._problems[question] = _OUR_FAULT
            return None
        self._problems.pop(question, None)
        return found

    def close(self) -> None:
        """Close the file. The next query opens the file that is then at the path."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
