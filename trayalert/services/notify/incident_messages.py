"""The texts of notifications about incidents.

The title of a notification gives the level and the name of the rule. The lines of an open incident's notification give
the resource and its address, the value, the message, the region and the start, in this order. Each text from the
network goes through `printable`, which turns the text into one line. Therefore no sender can forge another line of the
notification.
"""

from collections.abc import Sequence

from trayalert.domain.incident.alert import UNRECOGNISED, Alert
from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.notification import SUMMARY_TAG, TEST_TAG, Notification, incident_tag
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.text import display_width, printable
from trayalert.domain.times import Millis, moment_text
from trayalert.domain.wording.language import Language, localised_duration
from trayalert.services.presentation.alert_text import (
    component_text,
    message_lines,
    metric_text,
    name_text,
    rule_condition_text,
    value_text,
)

FINAL_TIMEOUT: Millis = 5_000
"""Milliseconds for which a notification about the end of a problem stays on the screen."""
OPEN_WINDOW = Phrase("Open trayalert")
_OPEN_CONSOLE = Phrase("Open in console")
_MESSAGE_LINES = 2


def incident_notification(
    stored: StoredIncident, changes: frozenset[Change], *, links: Sequence[ConsoleLink], language: Language, now: Millis
) -> Notification:
    """Return the notification for an open incident, with a button for each of the first two `links`.

    If `links` is empty, the only button opens the window. If `changes` includes a change of level, the notification
    also names the previous level.
    """
    incident, alert = stored.incident, stored.alert.alert
    if alert.kind == UNRECOGNISED:
        return _unrecognised_notification(incident, language)
    word = language.say(N_("NO DATA") if incident.no_data else incident.level)
    resource, address = _resource_line(alert, language), printable(alert.address, limit=100)
    lines = [
        resource,
        "" if address in resource else address,
        _value_line(alert, language),
        *map(_shorten, message_lines(alert, language)[:_MESSAGE_LINES]),
        _region_and_start_line(alert, incident, language, now),
    ]
    if Change.LEVEL in changes and alert.previous_level and alert.previous_level not in {Level.OK, incident.level}:
        lines.append(language.say("Was {level}", level=language.say(alert.previous_level)))
    return Notification(
        tag=incident_tag(incident.id),
        level=incident.level,
        title=language.say("{level}: {name}", level=word, name=_rule_name(alert, language)),
        lines=tuple(line for line in lines if line),
        button=_OPEN_CONSOLE if links else OPEN_WINDOW,
        more_buttons=tuple((link.page, link.title) for link in links[1:2]),  # most desktops have no room for a third
    )


def recovered_notification(stored: StoredIncident, *, linked: bool, language: Language) -> Notification:
    """Return a notification saying that an incident has recovered.

    If `linked` is true, the incident has a console link, and the button opens the link. If `linked` is false, the
    button opens the window.
    """
    incident, alert = stored.incident, stored.alert.alert
    if incident.start_known and incident.closed_at is not None:
        lasted = localised_duration(incident.closed_at - incident.opened_at, language)
        end = language.say("After {duration}", duration=lasted)
    else:
        end = language.say("Its start is unknown")
    return Notification(
        tag=incident_tag(incident.id),
        level=Level.OK,
        title=language.say("{level}: {name}", level=language.say("Recovered"), name=_rule_name(alert, language)),
        lines=tuple(line for line in (_resource_line(alert, language), end) if line),
        button=_OPEN_CONSOLE if linked else OPEN_WINDOW,
        timeout=FINAL_TIMEOUT,
    )


def console_test_notification() -> Notification:
    """Return the notification that confirms a press of the Test button in Cloud Monitor's console."""
    return Notification(
        tag=TEST_TAG,
        level=Level.INFO,
        title=Phrase("Test callback received"),
        lines=(
            Phrase("Cloud Monitor's Test reached this computer and is stored."),
            Phrase("Alerts will come this way."),
        ),
        button=OPEN_WINDOW,
        awaited=True,
    )


def summary_notification(
    count: int, level: Level, titles: Sequence[str], *, quiet: bool, language: Language
) -> Notification:
    """Return one notification that summarises `count` incidents.

    `level` is the level of the worst incident. `titles` are the notification titles of some of the incidents. If
    `quiet` is true, the notification only updates a summary that is still on the screen.
    """
    unnamed = count - len(titles)
    lines = [*titles, language.says("and 1 more", "and {count} more", unnamed)] if unnamed > 0 else titles
    return Notification(
        tag=SUMMARY_TAG,
        level=level,
        title=language.says(
            "1 more incident, {level}", "{count} more incidents, worst {level}", count, level=language.say(level)
        ),
        lines=tuple(lines),
        button=OPEN_WINDOW,
        update_only=quiet,
    )


def _unrecognised_notification(incident: Incident, language: Language) -> Notification:
    what = language.say("Callback not understood")
    if incident.alerts > 1:
        what = language.say("{count} callbacks not understood", count=incident.alerts)
    return Notification(
        tag=incident_tag(incident.id),
        level=incident.level,
        title=language.say("{level}: {name}", level=language.say(incident.level), name=what),
        lines=(language.say("It is stored whole; the window shows its text."),),
        button=OPEN_WINDOW,
    )


def _rule_name(alert: Alert, language: Language) -> str:
    name = name_text(alert, language) or metric_text(alert, language)
    return printable(name, limit=100) or language.say("Alert without a name")


def _resource_line(alert: Alert, language: Language) -> str:
    name, number = printable(alert.resource_name, limit=80), printable(alert.resource_id, limit=80)
    resource = name or number
    if name and number and name != number:
        resource = language.say("{name} ({id})", name=name, id=number)
    component = printable(component_text(alert, language), limit=100)
    return language.say(", ").join(filter(None, (resource, component)))


def _value_line(alert: Alert, language: Language) -> str:
    metric = printable(metric_text(alert, language), limit=80)
    value = value_text(alert, language)
    rule = printable(rule_condition_text(alert, language), limit=120)
    reading = language.say("{value} ({condition})", value=value, condition=rule) if value and rule else value or rule
    return language.say("{metric}: {value}", metric=metric, value=reading) if metric and reading else metric or reading


def _shorten(line: str) -> str:
    """Shorten a text that needs more than about three lines on the screen.

    The limit is 150 characters. If more than a third of the characters are wide, such as Chinese characters, the limit
    is 80 characters.
    """
    return printable(line, limit=80 if display_width(line) * 3 > len(line) * 4 else 150)


def _region_and_start_line(alert: Alert, incident: Incident, language: Language, now: Millis) -> str:
    moment = moment_text(incident.opened_at, now=now)
    region = printable(alert.region, limit=40)
    if not region:
        return language.say("Since {time}", time=moment)
    return language.say(", ").join((region, language.say("since {time}", time=moment)))
