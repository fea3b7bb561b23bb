"""The facts about one incident, with one row for each fact. Facts without a value are left out."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFormLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

from trayalert.domain.incident.incident import Incident
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.phrase import N_
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
from trayalert.ui.captions import Captions, CurrentLanguage
from trayalert.ui.widgets.safe_text import SafeLabel, SafeParagraph
from trayalert.ui.wording import closed_text, full_time, lasted_text

MAX_DIMENSIONS: Final = 20
"""Maximum number of dimensions that are shown.

A resource has only a few dimensions. An attacker could send a callback with thousands of dimensions, which would block
the window.
"""


class IncidentFacts(QScrollArea):
    """A scrollable form with the facts about one incident at a time."""

    def __init__(self, language: CurrentLanguage) -> None:
        super().__init__()
        self._language = language
        self._captions = Captions(language)
        self._show_again: Callable[[], None] | None = None
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

        `sender` is a phrase that names the sender of the incident's latest alert, or None if the source address is
        unknown.
        """
        self._show_again = partial(self.show_incident, stored, sender=sender, now=now)
        for name, text in _facts(stored, self._language(), sender=sender, now=now):
            if name not in self._values:
                self._add(name)
            self._values[name].show_text(text)
            self._form.setRowVisible(self._values[name], bool(text))

    def retranslate(self) -> None:
        """Show all texts in the current language."""
        self._captions.retranslate()
        if self._show_again:
            self._show_again()

    def show_duration(self, stored: StoredIncident, *, now: Millis) -> None:
        """Update the duration of `stored`, which must be the incident that is shown."""
        self._values["Duration"].show_text(lasted_text(stored.incident, self._language(), now=now))

    def _add(self, name: str) -> None:
        title, value = SafeLabel(), SafeParagraph()
        title.setForegroundRole(QPalette.ColorRole.PlaceholderText)  # less prominent than the value
        title.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._captions.bind(title.show_text, name)
        self._captions.bind(value.setAccessibleName, name)
        self._values[name] = value
        self._form.addRow(title, value)


def _facts(stored: StoredIncident, language: Language, *, sender: str | None, now: Millis) -> list[tuple[str, str]]:
    incident, alert = stored.incident, stored.alert.alert
    named = alert.resource_name is not None and alert.resource_name != alert.resource_id
    title, name = metric_text(alert, language), printable(alert.name)
    return [
        (N_("Resource"), language.render(resource_text(alert))),
        (N_("Part"), component_text(alert, language)),
        (N_("Address"), printable(alert.address)),
        (N_("Resource ID"), printable(alert.resource_id) if named else ""),
        (N_("Region"), printable(alert.region)),
        (N_("Called"), "" if name == name_text(alert, language) else name),
        (N_("Metric"), title),
        (N_("Metric ID"), printable(alert.metric) if alert.metric != title else ""),
        (N_("Rule"), rule_condition_text(alert, language)),
        (N_("Value"), value_text(alert, language)),
        (N_("Message"), "\n".join(message_lines(alert, language))),
        (N_("Since"), full_time(incident.opened_at) if incident.start_known else language.say("unknown")),
        (N_("Duration"), lasted_text(incident, language, now=now)),
        (N_("Closed"), _closing_text(incident, language)),
        (N_("Worst level"), language.say(incident.worst_level)),
        (N_("Alerts"), str(incident.alerts)),
        (N_("Last alert"), full_time(incident.last_at)),
        (N_("Sent"), language.say("from {sender}", sender=sender) if sender else ""),
        (N_("Retries"), _retries_text(stored.alert, language)),
        (N_("Namespace"), printable(alert.namespace)),
        (N_("Account"), printable(alert.account_id)),
        (N_("Group"), printable(alert.group)),
        (N_("Rule ID"), printable(alert.rule_id)),
        (N_("Dimensions"), _dimensions_text(alert.dimensions, language)),
    ]


def _closing_text(incident: Incident, language: Language) -> str:
    if incident.open:
        return ""
    return language.say("{time}, {how}", time=full_time(incident.closed_at), how=closed_text(incident, language))


def _retries_text(alert: StoredAlert, language: Language) -> str:
    if alert.deliveries <= 1:
        return ""
    return language.say("the last alert was sent {count} times", count=alert.deliveries)


def _dimensions_text(pairs: Mapping[str, str], language: Language) -> str:
    first = islice(pairs.items(), MAX_DIMENSIONS)
    lines = [f"{printable(name, limit=100)} = {printable(text)}" for name, text in first]
    if len(pairs) > MAX_DIMENSIONS:
        lines.append(language.say("… and {count} more", count=len(pairs) - MAX_DIMENSIONS))
    return "\n".join(lines)
