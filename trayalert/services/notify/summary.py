"""Collects incidents that could not be shown one by one, and decides when to show a summary of these incidents.

The module is pure: the caller passes the time.
"""

from functools import cache
from itertools import islice

from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.notification import SUMMARY_TAG, WithdrawNotification
from trayalert.domain.times import Millis
from trayalert.services.notify.policy_requests import PolicyRequest, ShowIncident, ShowSummary

SUMMARY_INTERVAL: Millis = 1_000
"""Minimum time between two updates of the summary, in milliseconds."""
_NAMED = 3
"""Maximum number of incidents that the summary names."""
_WORST_FIRST = sorted(Level, key=lambda level: -level.rank)


class Summary:
    """Collects the incidents that are waiting to be shown.

    A flood may bring thousands of incidents. To save memory, only the id, the level and the changes of each incident
    are kept.
    """

    def __init__(self) -> None:
        self._levels: dict[int, Level] = {}
        self._held: dict[Level, dict[int, frozenset[Change]]] = {level: {} for level in _WORST_FIRST}
        self._grown = False
        self._shrunk = False
        self._shown_at: Millis | None = None

    @property
    def due(self) -> Millis | None:
        """The earliest time at which the summary may be updated, or None if the summary is up to date."""
        if not (self._grown or self._shrunk):
            return None
        return 0 if self._shown_at is None else self._shown_at + SUMMARY_INTERVAL

    @property
    def only(self) -> ShowIncident | None:
        """The request for the only waiting incident. None if no incident is waiting, or if several are waiting.

        Also None if the summary has already shown the incident.
        """
        return self._worst(1)[0] if self._grown and len(self._levels) == 1 else None

    def hold(self, request: ShowIncident) -> None:
        """Add an incident to the summary. The request replaces any earlier request about the same incident."""
        number, level = request.incident_id, request.level
        before = self._levels.get(number, level)
        if before is not level:
            del self._held[before][number]
        self._levels[number] = level
        self._held[level][number] = _shared(request.changes)
        self._grown = True

    def drop(self, incident_id: int) -> bool:
        """Remove an incident from the summary. Return whether the incident was in the summary."""
        level = self._levels.pop(incident_id, None)
        if level is None:
            return False
        del self._held[level][incident_id]
        self._shrunk = True
        return True

    def clear(self) -> None:
        """Remove all incidents from the summary, because the user has seen the incidents."""
        self._levels.clear()
        for held in self._held.values():
            held.clear()
        self._grown = self._shrunk = False

    def show(self, *, now: Millis) -> PolicyRequest:
        """Return the request that brings the summary on the screen up to date.

        If no incident is waiting, the request withdraws the summary.
        """
        quiet = not self._grown
        self._grown = self._shrunk = False
        self._shown_at = now
        if not self._levels:
            return WithdrawNotification(SUMMARY_TAG)
        return ShowSummary(count=len(self._levels), worst=self._worst(_NAMED), update_only=quiet)

    def _worst(self, count: int) -> tuple[ShowIncident, ...]:
        worst_first = (
            ShowIncident(number, level, changes)
            for level, held in self._held.items()
            for number, changes in held.items()
        )
        return tuple(islice(worst_first, count))


@cache
def _shared(changes: frozenset[Change]) -> frozenset[Change]:
    """Return the same object for equal sets of changes.

    Thousands of incidents have only a few different sets of changes. Shared sets therefore save memory.
    """
    return changes
