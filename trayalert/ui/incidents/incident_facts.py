"""The facts about one incident, with one row for each fact. Facts without a value are left out."""

from collections.abc import Mapping
from itertools import islice
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFormLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.alert_text import (
    component_text,
    message_lines,
    metric_text,
    name_text,
    resource_text,
    rule_condition_text,
    value_text,
)
from trayalert.ui.widgets.safe_text import SafeLabel, SafeParagraph
from trayalert.ui.wording import closed_text, full_time, lasted_text

MAX_DIMENSIONS: Final = 20
"""Maximum number of dimensions that are shown.

A resource has only a few dimensions. An attacker could send a callback with thousands of dimensions, which would block
the window.
"""


class IncidentFacts(QScrollArea):
    """A scrollable form with the facts about one incident at a time."""

    def __init__(self, language: Language) -> None:
        super().__init__()
        self._language = language
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(2, 8, 8, 8)
        self._form = QFormLayout()
        column.addLayout(self._form)
        column.addStretch(1)  # takes the remaining height, so that the rows do not spread
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._form.setHorizontalSpacing(14)
        self._form.setVerticalSpacing(5)
        self._values: dict[str, SafeParagraph] = {}
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_incident(self, stored: StoredIncident, *, sender: str | None, now: Millis) -> None:
        """Show the facts about an incident.

        `sender` is a phrase that says where the incident's latest alert came from, or None if the source address is
        unknown.
        """
        for name, text in _facts(stored, self._language, sender=sender, now=now):
            if name not in self._values:
                self._add(name)
            self._values[name].show_text(text)
            self._form.setRowVisible(self._values[name], bool(text))

    def show_duration(self, stored: StoredIncident, *, now: Millis) -> None:
        """Update the duration of `stored`, which must be the incident that is shown."""
        self._values["Duration"].show_text(lasted_text(stored.incident, self._language, now=now))

    def _add(self, name: str) -> None:
        title, value = SafeLabel(name), SafeParagraph()
        title.setForegroundRole(QPalette.ColorRole.PlaceholderText)  # less prominent than the value
        title.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        value.setAccessibleName(name)
        self._values[name] = value
        self._form.addRow(title, value)


def _facts(stored: StoredIncident, language: Language, *, sender: str | None, now: Millis) -> list[tuple[str, str]]:
    incident, alert = stored.incident, stored.alert.alert
    named = alert.resource_name is not None and alert.resource_name != alert.resource_id
    title, name = metric_text(alert, language), printable(alert.name)
    return [
        ("Resource", resource_text(alert)),
        ("Part", component_text(alert, language)),
        ("Address", printable(alert.address)),
        ("Resource ID", printable(alert.resource_id) if named else ""),
        ("Region", printable(alert.region)),
        ("Called", "" if name == name_text(alert, language) else name),
        ("Metric", title),
        ("Metric ID", printable(alert.metric) if alert.metric != title else ""),
        ("Rule", rule_condition_text(alert, language)),
        ("Value", value_text(alert, language)),
        ("Message", "\n".join(message_lines(alert, language))),
        ("Since", full_time(incident.opened_at) if incident.start_known else language.say("unknown")),
        ("Duration", lasted_text(incident, language, now=now)),
        ("Closed", "" if incident.open else f"{full_time(incident.closed_at)}, {closed_text(incident, language)}"),
        ("Worst level", language.say(incident.worst_level)),
        ("Alerts", str(incident.alerts)),
        ("Last alert", full_time(incident.last_at)),
        ("Sent", sender or ""),
        ("Retries", _retries_text(stored.alert)),
        ("Namespace", printable(alert.namespace)),
        ("Account", printable(alert.account_id)),
        ("Group", printable(alert.group)),
        ("Rule ID", printable(alert.rule_id)),
        ("Dimensions", _dimensions_text(alert.dimensions)),
    ]


def _retries_text(alert: StoredAlert) -> str:
    return f"the last alert was sent {alert.deliveries} times" if alert.deliveries > 1 else ""


def _dimensions_text(pairs: Mapping[str, str]) -> str:
    first = islice(pairs.items(), MAX_DIMENSIONS)
    lines = [f"{printable(name, limit=100)} = {printable(text)}" for name, text in first]
    if len(pairs) > MAX_DIMENSIONS:
        lines.append(f"… and {len(pairs) - MAX_DIMENSIONS} more")
    return "\n".join(lines)
