"""The incidents and gaps of the log, for the widgets. Main thread only: an unreadable log raises nothing here."""

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
    """Implements `ui.backend.IncidentQueries`; links, commands and the mute period come from the settings."""

    def __init__(self, log: LogView, settings: Settings) -> None:
        self._log = log
        self._settings = settings
        self._links = link_table(settings)
        self._source_addresses = SourceAddresses(settings)

    def open(self) -> Sequence[StoredIncident] | None:
        """Return all open incidents, the newest first."""
        return self._log.ask("open", lambda log: log.open_incidents())

    def worst_open(self, *, limit: int) -> Sequence[StoredIncident]:
        """Return the first open incidents: the worst level first, then the newest."""
        return self._log.ask("worst open", lambda log: log.worst_open_incidents(limit=limit)) or []

    def closed(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident] | None:
        """Return closed incidents after `before`, the last closed first."""
        return self._log.ask("closed", lambda log: log.closed_incidents(before=before, limit=limit))

    def by_ids(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return those incidents, in any order."""
        return self._log.ask("incidents", lambda log: log.incidents(ids))

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        """Return the alerts of an incident, newest arrival first."""
        return self._log.ask("alerts", lambda log: log.alerts_of(incident_id, limit=limit)) or []

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:
        """Return the gaps, the last first."""
        return self._log.ask("gaps", lambda log: log.gaps(limit=limit))

    def unconfirmed(self, incident: StoredIncident) -> bool:
        """Return whether an open incident had no repeat for longer than the mute period."""
        return is_unconfirmed(incident, now=now(), mute_period=mute_period(self._settings))

    def sender_text(self, alert: StoredAlert) -> str | None:
        """Return the text for where an alert came from."""
        return sender_text(alert.sender, self._source_addresses.origin(alert.sender)) if alert.sender else None

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:
        """Return the console links, the best first."""
        return console_links(incident.alert.alert, self._links)

    def commands(self, incident: StoredIncident) -> Sequence[FilledCommand]:
        """Return the person's own commands, filled for this incident, with the reason if one cannot be run."""
        settings, alert = self._settings, incident.alert.alert
        return [fill_command(command, alert, default_region=settings.default_region) for command in settings.commands]
