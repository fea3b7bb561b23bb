"""Writes the notifications that a policy requests. The module is pure: the caller passes the current incidents."""

from collections.abc import Callable, Iterable, Sequence

from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, WithdrawNotification
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.services.notify.incident_messages import (
    incident_notification,
    recovered_notification,
    summary_notification,
)
from trayalert.services.notify.policy_requests import PolicyRequest, ShowIncident, ShowSummary, WithdrawRecovered


class NotificationWriter:
    """Writes notifications in one language. `links` returns the console links of an incident, the best first."""

    def __init__(self, *, links: Callable[[StoredIncident], Sequence[ConsoleLink]], language: Language) -> None:
        self._links = links
        self._language = language

    def write(
        self, request: PolicyRequest, incidents: Iterable[StoredIncident], *, now: Millis
    ) -> NotificationRequest | None:
        """Turn a policy's request into a request for the channel.

        Return None if the incident to be shown is no longer open. `incidents` are the incidents that `request` names.
        Incidents that are no longer in the log are missing from `incidents`.
        """
        found = {stored.incident.id: stored for stored in incidents}
        match request:
            case ShowNotification() | WithdrawNotification():
                return request
            case ShowIncident(incident_id=number):
                stored = found.get(number)
                return self._show(request, stored, now) if stored and stored.incident.open else None
            case WithdrawRecovered(incident_id=number):
                return WithdrawNotification(request.tag, self._final(found[number]) if number in found else None)
            case ShowSummary():
                named = ((one, found.get(one.incident_id)) for one in request.worst)
                titles = [
                    self._show(one, stored, now).notification.title
                    for one, stored in named
                    if stored and stored.incident.open
                ]
                return ShowNotification(
                    summary_notification(
                        request.count, request.level, titles, quiet=request.update_only, language=self._language
                    )
                )

    def _show(self, request: ShowIncident, stored: StoredIncident, now: Millis) -> ShowNotification:
        links = self._links(stored)
        return ShowNotification(
            incident_notification(stored, request.changes, links=links, language=self._language, now=now)
        )

    def _final(self, stored: StoredIncident) -> Notification:
        return recovered_notification(stored, linked=bool(self._links(stored)), language=self._language)
