"""The columns of the table and what their cells say. No Qt."""

import enum
from collections.abc import Callable

from trayalert.domain.stored import StoredIncident
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.ui.wording import duration_words, local_time, metric_of, name_of, resource_of, value_words


class Column(enum.Enum):
    """A column by its title."""

    LEVEL = "Level"
    SINCE = "Since"
    DURATION = "Duration"
    NAME = "Name"
    RESOURCE = "Resource"
    METRIC = "Metric"
    VALUE = "Value"
    REGION = "Region"
    COUNT = "Count"

    @property
    def numeric(self) -> bool:
        """Whether its cells are compared digit by digit, and so stand to the right."""
        return self in {Column.DURATION, Column.VALUE, Column.COUNT}


COLUMNS = tuple(Column)


def cell_text(stored: StoredIncident, column: Column, *, now: Millis) -> str:
    """Return what a cell of any column but LEVEL says."""
    return _TEXTS[column](stored, now)


def _since(stored: StoredIncident, now: Millis) -> str:
    return local_time(stored.incident.opened_at, now=now) if stored.incident.start_known else "unknown"


_TEXTS: dict[Column, Callable[[StoredIncident, Millis], str]] = {
    Column.SINCE: _since,
    Column.DURATION: lambda stored, now: duration_words(stored.incident, now=now),
    Column.NAME: lambda stored, _now: name_of(stored),
    Column.RESOURCE: lambda stored, _now: resource_of(stored),
    Column.METRIC: lambda stored, _now: metric_of(stored),
    Column.VALUE: lambda stored, _now: value_words(stored),
    Column.REGION: lambda stored, _now: printable(stored.alert.alert.region),
    Column.COUNT: lambda stored, _now: str(stored.incident.alerts),
}
