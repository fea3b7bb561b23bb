"""Incidents that could not be shown one by one, and when one summary of them is shown. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.notification import (
    SUMMARY_TAG,
    Notification,
    NotificationRequest,
    ShowNotification,
    WithdrawNotification,
)
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.services.notify.incident_messages import summary_notification

SUMMARY_INTERVAL: Millis = 1_000
"""Between two changes of the summary."""
_NAMED = 3
"""How many incidents the summary names."""


@dataclass(frozen=True, slots=True)
class HeldIncident:
    """An incident that is to be shown, and the changes because of which. Its text is written when it is shown."""

    stored: StoredIncident
    changes: frozenset[Change]

    @property
    def level(self) -> Level:
        """The level of its notification."""
        return self.stored.incident.level


class Summary:
    """Holds incidents by id. `due` is when the summary is to be shown or changed, None if it is as it should be."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._held: dict[int, HeldIncident] = {}
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
    def only(self) -> HeldIncident | None:
        """The incident that is held, if it is the only one and new in the summary."""
        return next(iter(self._held.values())) if self._grown and len(self._held) == 1 else None

    def hold(self, incident: HeldIncident) -> None:
        """Add an incident, in place of what was held of it."""
        self._held[incident.stored.incident.id] = incident
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

    def show(self, write: Callable[[HeldIncident], Notification], *, now: Millis) -> NotificationRequest:
        """Return the request that brings the summary up to date."""
        quiet = not self._grown
        self._grown = self._shrunk = False
        self._shown_at = now
        if not self._held:
            return WithdrawNotification(SUMMARY_TAG)
        worst_first = sorted(self._held.values(), key=lambda incident: -incident.level.rank)
        titles = [write(incident).title for incident in worst_first[:_NAMED]]
        level = worst_first[0].level
        summary = summary_notification(len(worst_first), level, titles, quiet=quiet, language=self._language)
        return ShowNotification(summary)
