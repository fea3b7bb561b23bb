"""What a policy requests about incidents. It knows incidents by id; their texts are written when they are shown."""

from dataclasses import dataclass

from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.notification import SUMMARY_TAG, NotificationRequest, incident_tag


@dataclass(frozen=True, slots=True)
class _IncidentRequest:
    incident_id: int

    @property
    def tag(self) -> str:
        """The tag of the incident's notification."""
        return incident_tag(self.incident_id)

    @property
    def incident_ids(self) -> tuple[int, ...]:
        """The incident that the text needs."""
        return (self.incident_id,)


@dataclass(frozen=True, slots=True)
class ShowIncident(_IncidentRequest):
    """Show an incident that is open at `level`, because of these changes."""

    level: Level
    changes: frozenset[Change]


@dataclass(frozen=True, slots=True)
class WithdrawRecovered(_IncidentRequest):
    """Withdraw the notification of an incident, after it was said for a moment that the incident has recovered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowSummary:
    """Show that `count` incidents are held, the worst of them by name; `update_only` as in Notification."""

    count: int
    worst: tuple[ShowIncident, ...]
    update_only: bool

    @property
    def level(self) -> Level:
        """The level of the worst incident."""
        return self.worst[0].level

    @property
    def tag(self) -> str:
        """The tag of the summary."""
        return SUMMARY_TAG

    @property
    def incident_ids(self) -> tuple[int, ...]:
        """The incidents that the text names."""
        return tuple(incident.incident_id for incident in self.worst)


PolicyRequest = NotificationRequest | ShowIncident | WithdrawRecovered | ShowSummary
