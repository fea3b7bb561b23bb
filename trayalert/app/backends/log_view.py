"""Reads the log for the widgets. The log may be temporarily unreadable, or may be replaced with another file.

Main thread only. A query that fails raises no exception, and its problem is reported until the same query succeeds.
After each fault, the file is closed, and the next query opens the file that is then at the path.

A query fails slowly if another program has locked the file. After a slow failure, no query is made for one second, so
that the window does not freeze.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from trayalert.domain.fault import Fault
from trayalert.domain.phrase import Phrase
from trayalert.storage.faults import DamagedLog, NoLog
from trayalert.storage.reader import Reader

_logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

_OUR_FAULT = Phrase(
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
    """Queries the log through a Reader. If the log is not open, a query opens the log."""

    def __init__(self, path: Path, *, verify: Callable[[], None]) -> None:
        """Prepare to query the log at `path`. Do not open the file yet.

        `verify` asks the writer to verify the log. `verify` is called when a query finds the file damaged or missing.
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
        """Query the log: call `answer` with a Reader and return the result. Return None if the query fails.

        For _REST seconds after a slow failure, return None without a query. `question` identifies the query. If the
        query fails, its problem is in `problems` until a query with the same `question` succeeds.
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
