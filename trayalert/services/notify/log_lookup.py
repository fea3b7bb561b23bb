"""Looks up incidents in the log for the dispatcher.

Each query runs on a daemon thread. A disk that hangs therefore does not block the event loop.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from trayalert.domain.incident.incident import Incident
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.services.network_lookup import run_in_daemon_thread
from trayalert.storage.faults import DamagedLog, LogFault, NoLog
from trayalert.storage.reader import Reader

_PATIENCE = 0.1
"""Maximum wait of a query for another program's lock, in seconds. After that, the query fails."""

_Answer = TypeVar("_Answer")


class LogLookup:
    """Implements the dispatcher's `IncidentLookup`.

    `verify` requests a verification of the log. A query that finds the log's file damaged or missing calls `verify`.
    The writer may not have noticed the problem yet.
    """

    def __init__(self, path: Path, *, verify: Callable[[], None]) -> None:
        self._path = path
        self._verify = verify

    async def states(self, ids: Sequence[int]) -> Sequence[Incident] | None:
        """Return the incidents with the given ids, without their alerts. Return None if the log cannot be read now."""
        return await self._ask(lambda reader: reader.incident_states(ids))

    async def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return the incidents with the given ids, each with its latest alert.

        Return None if the log cannot be read now.
        """
        return await self._ask(lambda reader: reader.incidents(ids))

    async def _ask(self, question: Callable[[Reader], _Answer]) -> _Answer | None:
        def read() -> _Answer:
            with closing(Reader(self._path, busy_timeout=_PATIENCE)) as reader:
                return question(reader)

        try:
            return await run_in_daemon_thread(read)
        except LogFault as fault:
            if isinstance(fault, DamagedLog | NoLog):
                self._verify()
            return None
