"""Looks incidents up in the log for the dispatcher, on a thread of its own, as the disk may hang."""

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
"""Seconds that a query waits for another program's lock; the dispatcher repeats it later."""

_Answer = TypeVar("_Answer")


class LogLookup:
    """Implements IncidentLookup. `verify` is called where the file is damaged or gone: its writer may not know it."""

    def __init__(self, path: Path, *, verify: Callable[[], None]) -> None:
        self._path = path
        self._verify = verify

    async def states(self, ids: Sequence[int]) -> Sequence[Incident] | None:
        """Return those incidents without their alerts; None if the log cannot be read now."""
        return await self._ask(lambda reader: reader.incident_states(ids))

    async def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return those incidents; None if the log cannot be read now."""
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
