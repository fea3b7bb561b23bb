"""Incidents that could not be shown one by one, and when one summary of them is shown. Pure."""

from trayalert.domain.notification import SUMMARY_TAG, WithdrawNotification
from trayalert.domain.times import Millis
from trayalert.services.notify.policy_requests import PolicyRequest, ShowIncident, ShowSummary

SUMMARY_INTERVAL: Millis = 1_000
"""Between two changes of the summary."""
_NAMED = 3
"""How many incidents the summary names."""


class Summary:
    """Holds incidents that are to be shown, one request for each."""

    def __init__(self) -> None:
        self._held: dict[int, ShowIncident] = {}
        self._grown = False
        self._shrunk = False
        self._shown_at: Millis | None = None

    @property
    def due(self) -> Millis | None:
        """The earliest time for the next change of the summary; None if there is none to make."""
        if not (self._grown or self._shrunk):
            return None
        return 0 if self._shown_at is None else self._shown_at + SUMMARY_INTERVAL

    @property
    def only(self) -> ShowIncident | None:
        """The incident that is held, if it is the only one and new in the summary."""
        return next(iter(self._held.values())) if self._grown and len(self._held) == 1 else None

    def hold(self, request: ShowIncident) -> None:
        """Add an incident, in place of what was held of it."""
        self._held[request.incident_id] = request
        self._grown = True

    def drop(self, incident_id: int) -> bool:
        """Remove an incident; return whether it was held."""
        held = self._held.pop(incident_id, None) is not None
        self._shrunk = self._shrunk or held
        return held

    def clear(self) -> None:
        """Forget all, as the person knows it."""
        self._held.clear()
        self._grown = self._shrunk = False

    def show(self, *, now: Millis) -> PolicyRequest:
        """Return the request that brings the summary up to date."""
        quiet = not self._grown
        self._grown = self._shrunk = False
        self._shown_at = now
        if not self._held:
            return WithdrawNotification(SUMMARY_TAG)
        worst_first = sorted(self._held.values(), key=lambda request: -request.level.rank)
        return ShowSummary(count=len(worst_first), worst=tuple(worst_first[:_NAMED]), update_only=quiet)
