"""The columns of the incident table, with the text and the style of their cells."""

import enum
from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication

from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.phrase import N_
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.alert_text import metric_or_message, resource_component_text, value_text
from trayalert.ui.appearance import bold
from trayalert.ui.icons import level_icon
from trayalert.ui.wording import incident_name, lasted_text, local_time, shown_level

_TINT: Final = QColor(214, 38, 44, 34)


class Column(enum.Enum):
    """A column of the incident table. The value of a member is the column's title in English."""

    LEVEL = N_("Level")
    SINCE = N_("Since")
    DURATION = N_("Duration")
    NAME = N_("Name")
    RESOURCE = N_("Resource")
    METRIC = N_("Metric or message")
    VALUE = N_("Value")
    REGION = N_("Region")
    COUNT = N_("Count")


COLUMNS = tuple(Column)
_NUMERIC: Final = {Column.DURATION, Column.VALUE, Column.COUNT}


def cell_text(stored: StoredIncident, column: Column, language: Language, *, now: Millis) -> str:
    """Return the text of a cell in any column except LEVEL.

    `IncidentsModel.text` returns the text of a cell in any column, including LEVEL.
    """
    return _TEXTS[column](stored, language, now)


def _since(stored: StoredIncident, language: Language, now: Millis) -> str:
    start_known = stored.incident.start_known
    return local_time(stored.incident.opened_at, now=now) if start_known else language.say("unknown")


_TEXTS: dict[Column, Callable[[StoredIncident, Language, Millis], str]] = {
    Column.SINCE: _since,
    Column.DURATION: lambda stored, language, now: lasted_text(stored.incident, language, now=now),
    Column.NAME: lambda stored, language, _now: incident_name(stored, language),
    Column.RESOURCE: lambda stored, language, _now: language.render(resource_component_text(stored.alert.alert)),
    Column.METRIC: lambda stored, language, _now: metric_or_message(stored.alert.alert, language),
    Column.VALUE: lambda stored, language, _now: value_text(stored.alert.alert, language),
    Column.REGION: lambda stored, _language, _now: printable(stored.alert.alert.region),
    Column.COUNT: lambda stored, _language, _now: str(stored.incident.alerts),
}


def cell_style(stored: StoredIncident, column: Column, role: int) -> Any:
    """Return the value of a cell for a Qt item role: an icon, a font, an alignment or a colour.

    None means Qt's default.
    """
    match role:
        case Qt.ItemDataRole.DecorationRole if column is Column.LEVEL:
            return level_icon(shown_level(stored.incident))
        case Qt.ItemDataRole.FontRole if column is Column.LEVEL and shown_level(stored.incident) is Level.CRITICAL:
            return bold(QGuiApplication.font())
        case Qt.ItemDataRole.TextAlignmentRole:
            return alignment(column)
        case Qt.ItemDataRole.ForegroundRole if not stored.incident.open:
            return _dimmed_colour()
        case Qt.ItemDataRole.BackgroundRole if shown_level(stored.incident) is Level.CRITICAL:
            return _TINT
        case _:
            return None


def alignment(column: Column) -> Qt.AlignmentFlag:
    """Return the alignment of a column. Numbers are right-aligned, so that the user can compare them digit by digit."""
    side = Qt.AlignmentFlag.AlignRight if column in _NUMERIC else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _dimmed_colour() -> QColor:
    """Return the text colour for closed incidents: a mix of the normal text colour and the background colour.

    With this colour, closed incidents are readable, but less prominent than open incidents.
    """
    palette = QGuiApplication.palette()
    text, base, keep = palette.text().color(), palette.base().color(), 0.62
    pairs = (text.red(), base.red()), (text.green(), base.green()), (text.blue(), base.blue())
    return QColor(*(round(keep * ink + (1 - keep) * paper) for ink, paper in pairs))
