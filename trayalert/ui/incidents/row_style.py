"""How a row of the incident table looks: its picture, its colours, its letters."""

from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication

from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored import StoredIncident
from trayalert.ui.icons import level_icon
from trayalert.ui.incidents.columns import Column
from trayalert.ui.wording import shown_level

_TINT: Final = QColor(214, 38, 44, 34)


def cell_style(stored: StoredIncident, column: Column, role: int) -> Any:
    """Return what a view asks for in that role, None where the cell is plain."""
    match role:
        case Qt.ItemDataRole.DecorationRole if column is Column.LEVEL:
            return level_icon(shown_level(stored.incident))
        case Qt.ItemDataRole.FontRole if column is Column.LEVEL and shown_level(stored.incident) is Level.CRITICAL:
            return _bold_font()
        case Qt.ItemDataRole.TextAlignmentRole:
            return alignment(column)
        case Qt.ItemDataRole.ForegroundRole if not stored.incident.open:
            return _dimmed_colour()
        case Qt.ItemDataRole.BackgroundRole if shown_level(stored.incident) is Level.CRITICAL:
            return _TINT
        case _:
            return None


def alignment(column: Column) -> Qt.AlignmentFlag:
    """Numbers stand on the right."""
    side = Qt.AlignmentFlag.AlignRight if column.numeric else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _bold_font() -> QFont:
    font = QFont(QGuiApplication.font())
    font.setBold(True)
    return font


def _dimmed_colour() -> QColor:
    """Return the text's colour halfway to the table's: still to be read, but not in the way."""
    palette = QGuiApplication.palette()
    text, base, keep = palette.text().color(), palette.base().color(), 0.62
    pairs = (text.red(), base.red()), (text.green(), base.green()), (text.blue(), base.blue())
    return QColor(*(round(keep * ink + (1 - keep) * paper) for ink, paper in pairs))
