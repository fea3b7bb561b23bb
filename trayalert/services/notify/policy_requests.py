"""A policy's requests about incidents.

A request names its incidents by id. The text of a notification is written just before the notification is shown.
"""

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
        """The id of the incident, as a tuple with one element."""
        return (self.incident_id,)


@dataclass(frozen=True, slots=True)
class ShowIncident(_IncidentRequest):
    """A request to show a notification for an open incident.

    `level` is the current level of the incident. `changes` are the changes that caused the notification.
    """

    level: Level
    changes: frozenset[Change]


@dataclass(frozen=True, slots=True)
class WithdrawRecovered(_IncidentRequest):
    """A request to show briefly that an incident has recovered, and then to withdraw the incident's notification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowSummary:
    """A request to show a summary of `count` incidents.

    `worst` are the requests for the worst of these incidents. The text of the summary names only the incidents in
    `worst`. If `update_only` is true, the request only updates a summary that is still on the screen.
    """

    count: int
    worst: tuple[ShowIncident, ...]
    update_only: bool

    @property
    def level(self) -> Level:
        """The level of the worst incident."""
        return self.worst[0].level

    @property
    def tag(self) -> str:
        """The tag of the summary's notification."""
        return SUMMARY_TAG

    @property
    def incident_ids(self) -> tuple[int, ...]:
        """The ids of the incidents that the text of the summary names."""
        return tuple(incident.incident_id for incident in self.worst)


PolicyRequest = NotificationRequest | ShowIncident | WithdrawRecovered | ShowSummary
