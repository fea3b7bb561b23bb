"""The columns of the table and what their cells say. No Qt."""

import enum
from collections.abc import Callable

from trayalert.domain.incident.stored import StoredIncident
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.alert_text import metric_or_message, resource_component_text, value_text
from trayalert.ui.wording import incident_name, lasted_text, local_time


class Column(enum.Enum):
    """A column by its title."""

    LEVEL = "Level"
    SINCE = "Since"
    DURATION = "Duration"
    NAME = "Name"
    RESOURCE = "Resource"
    METRIC = "Metric or message"
    VALUE = "Value"
    REGION = "Region"
    COUNT = "Count"

    @property
    def numeric(self) -> bool:
        """Whether its cells are compared digit by digit, and so stand to the right."""
        return self in {Column.DURATION, Column.VALUE, Column.COUNT}


COLUMNS = tuple(Column)


def cell_text(stored: StoredIncident, column: Column, language: Language, *, now: Millis) -> str:
    """Return what a cell of any column but LEVEL says."""
    return _TEXTS[column](stored, language, now)


def _since(stored: StoredIncident, language: Language, now: Millis) -> str:
    start_known = stored.incident.start_known
    return local_time(stored.incident.opened_at, now=now) if start_known else language.say("unknown")


_TEXTS: dict[Column, Callable[[StoredIncident, Language, Millis], str]] = {
    Column.SINCE: _since,
    Column.DURATION: lambda stored, language, now: lasted_text(stored.incident, language, now=now),
    Column.NAME: lambda stored, language, _now: incident_name(stored, language),
    Column.RESOURCE: lambda stored, _language, _now: resource_component_text(stored.alert.alert),
    Column.METRIC: lambda stored, language, _now: metric_or_message(stored.alert.alert, language),
    Column.VALUE: lambda stored, language, _now: value_text(stored.alert.alert, language),
    Column.REGION: lambda stored, _language, _now: printable(stored.alert.alert.region),
    Column.COUNT: lambda stored, _language, _now: str(stored.incident.alerts),
}
