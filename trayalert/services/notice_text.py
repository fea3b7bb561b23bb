"""The words of notifications. Their rule: what burns, where, how badly and since when, before any detail.

Every text of the network goes through `printable` here, one item at a time, so that none can pose as two lines.
"""

from collections.abc import Sequence

from trayalert.domain.alert import UNRECOGNISED, Alert
from trayalert.domain.incident import Change, Incident
from trayalert.domain.level import Level, worst
from trayalert.domain.notice import SUMMARY_TAG, TEST_TAG, Notice, incident_tag
from trayalert.domain.stored import StoredIncident
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime, duration_text

FAREWELL_LASTS: Millis = 5_000
OPEN_WINDOW = "Open trayalert"
_OPEN_CONSOLE = "Open in console"
_NAMED_IN_SUMMARY = 3


def incident_notice(stored: StoredIncident, changes: frozenset[Change], *, linked: bool, now: Millis) -> Notice:
    """Tell an open incident; `linked` where a click has a console link to open."""
    incident, alert = stored.incident, stored.alert.alert
    if alert.kind == UNRECOGNISED:
        return _unrecognised_notice(incident)
    word = "NO DATA" if incident.no_data else incident.level.value
    lines = [_place(alert), _reading(alert), _region_and_start(alert, incident, now)]
    if Change.LEVEL in changes and alert.previous_level not in (None, Level.OK, incident.level):
        lines.append(f"Was {alert.previous_level}")
    return Notice(
        tag=incident_tag(incident.id),
        level=incident.level,
        title=f"{word}: {_name(alert)}",
        lines=tuple(line for line in lines if line),
        action=_OPEN_CONSOLE if linked else OPEN_WINDOW,
    )


def recovered_notice(stored: StoredIncident, *, linked: bool) -> Notice:
    """Tell that an incident is over, shortly."""
    incident, alert = stored.incident, stored.alert.alert
    if incident.start_known and incident.closed_at is not None:
        span = f"after {duration_text(incident.closed_at - incident.opened_at)}"
    else:
        span = "its start is unknown"
    return Notice(
        tag=incident_tag(incident.id),
        level=Level.OK,
        title=f"Recovered: {_name(alert)}",
        lines=tuple(line for line in (_place(alert), f"Recovered, {span}") if line),
        action=_OPEN_CONSOLE if linked else OPEN_WINDOW,
        lasts=FAREWELL_LASTS,
    )


def test_notice() -> Notice:
    """Answer the console's Test button."""
    return Notice(
        tag=TEST_TAG,
        level=Level.INFO,
        title="Test callback received",
        lines=("Cloud Monitor's Test reached this computer and is stored.", "Alerts will come this way."),
        action=OPEN_WINDOW,
        awaited=True,
    )


def summary_notice(held: Sequence[Notice], *, quiet: bool) -> Notice:
    """Tell many incidents at once: how many, how bad, and the worst by name."""
    level = worst(*(notice.level for notice in held))
    bad_first = sorted(held, key=lambda notice: -notice.level.rank)
    lines = [notice.title for notice in bad_first[:_NAMED_IN_SUMMARY]]
    if len(held) > _NAMED_IN_SUMMARY:
        lines.append(f"and {len(held) - _NAMED_IN_SUMMARY} more")
    return Notice(
        tag=SUMMARY_TAG,
        level=level,
        title=f"{len(held)} more incidents, worst {level}" if len(held) > 1 else f"1 more incident, {level}",
        lines=tuple(lines),
        action=OPEN_WINDOW,
        quiet=quiet,
    )


def _unrecognised_notice(incident: Incident) -> Notice:
    many = incident.alerts > 1
    return Notice(
        tag=incident_tag(incident.id),
        level=incident.level,
        title=f"{incident.level}: {incident.alerts} callbacks not understood" if many else
        f"{incident.level}: Callback not understood",
        lines=("It is stored whole; the window shows its text.",),
        action=OPEN_WINDOW,
    )  # fmt: skip


def _name(alert: Alert) -> str:
    return printable(alert.name or alert.metric_title or alert.metric, limit=100) or "Alert without a name"


def _place(alert: Alert) -> str:
    name, number = printable(alert.resource_name, limit=80), printable(alert.resource_id, limit=80)
    return f"{name} ({number})" if name and number and name != number else name or number


def _reading(alert: Alert) -> str:
    metric = printable(alert.metric_title or alert.metric, limit=80)
    value = " ".join(part for part in (printable(alert.value_text, limit=40), printable(alert.unit, limit=20)) if part)
    rule = printable(alert.expression, limit=120)
    reading = f"{value} ({rule})" if value and rule else value or rule
    return f"{metric}: {reading}" if metric and reading else metric or reading


def _region_and_start(alert: Alert, incident: Incident, now: Millis) -> str:
    start = as_datetime(incident.opened_at).astimezone()
    today = start.date() == as_datetime(now).astimezone().date()
    since = f"since {start:%H:%M}" if today else f"since {start:%Y-%m-%d %H:%M}"
    region = printable(alert.region, limit=40)
    return f"{region}, {since}" if region else since.capitalize()
