"""Provides the widgets with the incidents and gaps in the log. Main thread only.

No method raises an exception. If the log cannot be read, the methods that read the log return None or an empty
sequence.
"""

from collections.abc import Sequence

from trayalert.app.backends.log_view import LogView
from trayalert.clock import now
from trayalert.domain.gap import Gap
from trayalert.domain.incident.console_link import ConsoleLink, console_links
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.settings.custom_command import FilledCommand, fill_command
from trayalert.domain.settings.settings import Settings
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.presentation.json_records import is_unconfirmed, mute_period
from trayalert.services.presentation.link_table import link_table
from trayalert.ui.wording import sender_text


class LogIncidents:
    """Implements `ui.backend.IncidentQueries` with the log and the settings."""

    def __init__(self, log: LogView, settings: Settings) -> None:
        self._log = log
        self._settings = settings
        self._links = link_table(settings)
        self._source_addresses = SourceAddresses(settings)

    def open(self) -> Sequence[StoredIncident] | None:
        """Return all open incidents, newest first, or None if the log cannot be read."""
        return self._log.ask("open", lambda log: log.open_incidents())

    def worst_open(self, *, limit: int) -> Sequence[StoredIncident]:
        """Return up to `limit` open incidents, sorted by level (worst first) and then by age (newest first).

        If the log cannot be read, the result is empty.
        """
        return self._log.ask("worst open", lambda log: log.worst_open_incidents(limit=limit)) or []

    def closed(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident] | None:
        """Return up to `limit` closed incidents, the most recently closed first, or None if the log cannot be read.

        To get the next page, pass the last incident of the previous page as `before`.
        """
        return self._log.ask("closed", lambda log: log.closed_incidents(before=before, limit=limit))

    def by_ids(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return the incidents with the given ids, in no particular order, or None if the log cannot be read."""
        return self._log.ask("incidents", lambda log: log.incidents(ids))

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        """Return up to `limit` alerts of an incident, the most recently received first.

        If the log cannot be read, the result is empty.
        """
        return self._log.ask("alerts", lambda log: log.alerts_of(incident_id, limit=limit)) or []

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:
        """Return up to `limit` gaps, newest first, or None if the log cannot be read."""
        return self._log.ask("gaps", lambda log: log.gaps(limit=limit))

    def unconfirmed(self, incident: StoredIncident) -> bool:
        """Return whether an open incident has had no alert for so long that its OK may have been lost.

        The limit is the setting `unconfirmed_after_hours`.
        """
        return is_unconfirmed(incident, now=now(), mute_period=mute_period(self._settings))

    def sender_text(self, alert: StoredAlert) -> str | None:
        """Return a phrase that names the sender of an alert, or None if the source address is unknown."""
        return sender_text(alert.sender, self._source_addresses.origin(alert.sender)) if alert.sender else None

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:
        """Return the console links of an incident, the best link first."""
        return console_links(incident.alert.alert, self._links)

    def commands(self, incident: StoredIncident) -> Sequence[FilledCommand]:
        """Return the admin's custom commands, with their placeholders filled in for an incident.

        If a command cannot be run for the incident, the command's `problem` says why.
        """
        settings, alert = self._settings, incident.alert.alert
        return [fill_command(command, alert, default_region=settings.default_region) for command in settings.commands]
