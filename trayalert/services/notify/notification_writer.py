"""Writes the notifications that a policy requests. The module is pure: the caller passes the current incidents."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, WithdrawNotification
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.services.notify.incident_messages import (
    incident_notification,
    recovered_notification,
    summary_notification,
)
from trayalert.services.notify.policy_requests import PolicyRequest, ShowIncident, ShowSummary, WithdrawRecovered

_LONGEST_LINE = 400
"""Maximum length of a line, in characters. The message of a fault may contain long paths."""


class NotificationWriter:
    """Writes notifications. `links` returns the console links of an incident, the best first.

    `language` returns the user's language. The writer calls `language` for each notification, so that a change of the
    language applies to the next notification.
    """

    def __init__(
        self, *, links: Callable[[StoredIncident], Sequence[ConsoleLink]], language: Callable[[], Language]
    ) -> None:
        self._links = links
        self._language = language

    def write(
        self, request: PolicyRequest, incidents: Iterable[StoredIncident], *, now: Millis
    ) -> NotificationRequest | None:
        """Turn a policy's request into a request for the channel.

        Return None if the incident to be shown is no longer open. `incidents` are the incidents that `request` names.
        Incidents that are no longer in the log are missing from `incidents`.
        """
        language = self._language()
        match self._compose(request, incidents, language, now):
            case ShowNotification(notification=notification):
                return ShowNotification(render_notification(notification, language))
            case WithdrawNotification(tag=tag, final=final):
                return WithdrawNotification(tag, render_notification(final, language) if final else None)
        return None

    def _compose(
        self, request: PolicyRequest, incidents: Iterable[StoredIncident], language: Language, now: Millis
    ) -> NotificationRequest | None:
        found = {stored.incident.id: stored for stored in incidents}
        match request:
            case ShowNotification() | WithdrawNotification():
                return request
            case ShowIncident(incident_id=number):
                stored = found.get(number)
                return self._show(request, stored, language, now) if stored and stored.incident.open else None
            case WithdrawRecovered(incident_id=number):
                final = self._final(found[number], language) if number in found else None
                return WithdrawNotification(request.tag, final)
            case ShowSummary():
                named = ((one, found.get(one.incident_id)) for one in request.worst)
                titles = [
                    self._show(one, stored, language, now).notification.title
                    for one, stored in named
                    if stored and stored.incident.open
                ]
                return ShowNotification(
                    summary_notification(
                        request.count, request.level, titles, quiet=request.update_only, language=language
                    )
                )

    def _show(self, request: ShowIncident, stored: StoredIncident, language: Language, now: Millis) -> ShowNotification:
        links = self._links(stored)
        return ShowNotification(incident_notification(stored, request.changes, links=links, language=language, now=now))

    def _final(self, stored: StoredIncident, language: Language) -> Notification:
        return recovered_notification(stored, linked=bool(self._links(stored)), language=language)


def render_notification(notification: Notification, language: Language) -> Notification:
    """Return the notification with its phrases in the given language. Each line is printable."""
    return replace(
        notification,
        title=language.render(notification.title),
        lines=tuple(printable(language.render(line), limit=_LONGEST_LINE) for line in notification.lines),
        button=language.render(notification.button),
        more_buttons=tuple((key, language.render(label)) for key, label in notification.more_buttons),
    )
