"""The words of notifications. Their rule: what burns, where, how badly and since when, before any detail.

Every text of the network goes through `printable` here, one item at a time, so that none can pose as two lines.
"""

import unicodedata
from collections.abc import Sequence

from trayalert.domain.incident.alert import UNRECOGNISED, Alert
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.incident.stored import StoredIncident
from trayalert.domain.notification import SUMMARY_TAG, TEST_TAG, Notice, incident_tag
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime
from trayalert.domain.wording.component import part_words
from trayalert.domain.wording.language import Language, duration_words
from trayalert.services.presentation.alert_text import (
    condition_words,
    message_lines,
    metric_words,
    name_words,
    value_words,
)

FAREWELL_LASTS: Millis = 5_000
OPEN_WINDOW = "Open trayalert"
_OPEN_CONSOLE = "Open in console"
_NAMED_IN_SUMMARY = 3
_MESSAGE_LINES = 2


def incident_notice(
    stored: StoredIncident, changes: frozenset[Change], *, linked: bool, language: Language, now: Millis
) -> Notice:
    """Tell an open incident; `linked` where a click has a console link to open."""
    incident, alert = stored.incident, stored.alert.alert
    if alert.kind == UNRECOGNISED:
        return _unrecognised_notice(incident, language)
    word = language.say("NO DATA" if incident.no_data else incident.level)
    place, address = _place(alert, language), printable(alert.address, limit=100)
    lines = [
        place,
        "" if address in place else address,
        _reading(alert, language),
        *map(_in_short, message_lines(alert, language)[:_MESSAGE_LINES]),
        _region_and_start(alert, incident, language, now),
    ]
    if Change.LEVEL in changes and alert.previous_level and alert.previous_level not in {Level.OK, incident.level}:
        lines.append(language.say("Was {}").format(language.say(alert.previous_level)))
    return Notice(
        tag=incident_tag(incident.id),
        level=incident.level,
        title=f"{word}: {_name(alert, language)}",
        lines=tuple(line for line in lines if line),
        action=_OPEN_CONSOLE if linked else OPEN_WINDOW,
    )


def recovered_notice(stored: StoredIncident, *, linked: bool, language: Language) -> Notice:
    """Tell that an incident is over, shortly."""
    incident, alert = stored.incident, stored.alert.alert
    if incident.start_known and incident.closed_at is not None:
        lasted = duration_words(incident.closed_at - incident.opened_at, language)
        end = language.say("After {}").format(lasted)
    else:
        end = language.say("Its start is unknown")
    return Notice(
        tag=incident_tag(incident.id),
        level=Level.OK,
        title=f"{language.say('Recovered')}: {_name(alert, language)}",
        lines=tuple(line for line in (_place(alert, language), end) if line),
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


def summary_notice(held: Sequence[Notice], *, quiet: bool, language: Language) -> Notice:
    """Tell many incidents at once: how many, how bad, and the worst by name."""
    level = worst(*(notice.level for notice in held))
    word = language.say(level)
    bad_first = sorted(held, key=lambda notice: -notice.level.rank)
    lines = [notice.title for notice in bad_first[:_NAMED_IN_SUMMARY]]
    if len(held) > _NAMED_IN_SUMMARY:
        lines.append(f"and {len(held) - _NAMED_IN_SUMMARY} more")
    return Notice(
        tag=SUMMARY_TAG,
        level=level,
        title=f"{len(held)} more incidents, worst {word}" if len(held) > 1 else f"1 more incident, {word}",
        lines=tuple(lines),
        action=OPEN_WINDOW,
        quiet=quiet,
    )


def _unrecognised_notice(incident: Incident, language: Language) -> Notice:
    word = language.say(incident.level)
    many = incident.alerts > 1
    return Notice(
        tag=incident_tag(incident.id),
        level=incident.level,
        title=f"{word}: {incident.alerts} callbacks not understood" if many else
        f"{word}: Callback not understood",
        lines=("It is stored whole; the window shows its text.",),
        action=OPEN_WINDOW,
    )  # fmt: skip


def _name(alert: Alert, language: Language) -> str:
    name = name_words(alert, language) or metric_words(alert, language)
    return printable(name, limit=100) or "Alert without a name"


def _place(alert: Alert, language: Language) -> str:
    name, number = printable(alert.resource_name, limit=80), printable(alert.resource_id, limit=80)
    resource = f"{name} ({number})" if name and number and name != number else name or number
    part = printable(part_words(alert, language), limit=100)
    return language.say(", ").join(filter(None, (resource, part)))


def _reading(alert: Alert, language: Language) -> str:
    metric = printable(metric_words(alert, language), limit=80)
    value = value_words(alert, language)
    rule = printable(condition_words(alert, language), limit=120)
    reading = f"{value} ({rule})" if value and rule else value or rule
    return f"{metric}: {reading}" if metric and reading else metric or reading


def _in_short(line: str) -> str:
    """Cut a line to about three on the screen; a Chinese character is as wide as two Latin ones."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in line)
    return printable(line, limit=80 if wide * 3 > len(line) else 150)


def _region_and_start(alert: Alert, incident: Incident, language: Language, now: Millis) -> str:
    start = as_datetime(incident.opened_at).astimezone()
    today = start.date() == as_datetime(now).astimezone().date()
    moment = f"{start:%H:%M}" if today else f"{start:%Y-%m-%d %H:%M}"
    region = printable(alert.region, limit=40)
    if not region:
        return language.say("Since {}").format(moment)
    return language.say(", ").join((region, language.say("since {}").format(moment)))
