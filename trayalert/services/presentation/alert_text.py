"""Presents the parts of an alert as text for users.

A unit in the callback is preferred to the built-in table of metrics (`metric_table.py`). Users see the title of a
metric in their language if the table contains this title.

The strings that `metric_title` and `metric_unit` return are for scripts. These strings are not changed, and do not
depend on the language. All other strings are for users: they are cleaned (`domain/text.py`) and limited in length.
"""

from itertools import islice
from typing import Final

from trayalert.callbacks.kinds import spec_of
from trayalert.domain.incident.alert import Alert
from trayalert.domain.text import printable
from trayalert.domain.wording.component import Component, components
from trayalert.domain.wording.condition import condition_text
from trayalert.domain.wording.language import Language
from trayalert.domain.wording.quantity import quantity_text
from trayalert.services.presentation.metric_table import find_metric

_COMPOSITE = "多指标"
"""The metric name that Cloud Monitor sends for a rule on several metrics.

Cloud Monitor sends this Chinese name in all languages.
"""

_CONTEXT_WORDS = frozenset({"namespace"})
"""`short_component_text` leaves out a component if its `word` is one of these words."""

MAX_LINES: Final = 20
_MAX_MESSAGE_LENGTH = 4000
"""Maximum number of characters to read from a message. A message could contain 64 KB of line breaks."""


def metric_title(alert: Alert) -> str | None:
    """Return the metric's title for scripts, or None if the alert names no metric.

    The result is the first of these that exists:

    - the title in the callback, if this title differs from the metric's id
    - the English title in the built-in table of metrics
    - the metric's id
    """
    own = _own_title(alert)
    metric = None if own else find_metric(alert.namespace, alert.metric)
    return own or (metric.title_en if metric else None) or alert.metric


def _own_title(alert: Alert) -> str | None:
    """Return the title in the callback, or None if this title is missing or only repeats the metric's id."""
    return alert.metric_title if alert.metric_title != alert.metric else None


def metric_unit(alert: Alert) -> str | None:
    """Return the metric's unit, or None if the unit is not known.

    If the callback contains no unit, return the unit in the built-in table of metrics.
    """
    if alert.unit:
        return alert.unit
    metric = find_metric(alert.namespace, alert.metric)
    return metric.unit if metric else None


def name_text(alert: Alert, language: Language) -> str:
    """Return the alert's name, or an empty string if the alert has no name.

    If the alert has names in several languages, the name in `language` is preferred.
    """
    word_name = spec_of(alert.kind).name_text
    worded = word_name(alert.name, language) if word_name else None
    return printable(alert.titles.get(language) or worded or alert.name or next(iter(alert.titles.values()), None))


def metric_text(alert: Alert, language: Language) -> str:
    """Return the metric's title as text for users, or an empty string if the alert names no metric.

    The result is the first of these that exists:

    - the title in `language` in the built-in table of metrics
    - the title in the callback, if this title differs from the metric's id
    - the title in another language in the built-in table
    - the metric's id

    For a rule on several metrics, return "Several metrics" in the given language.
    """
    metric = find_metric(alert.namespace, alert.metric)
    in_table = (metric.title(language), metric.title_en or metric.title_zh) if metric else ("", "")
    title = in_table[0] or _own_title(alert) or in_table[1] or alert.metric
    return language.say("Several metrics") if title == _COMPOSITE else printable(title)


def value_text(alert: Alert, language: Language) -> str:
    """Return the value with its unit, such as `97.4 %`."""
    return quantity_text(alert.value, alert.value_text, metric_unit(alert), language)


def rule_condition_text(alert: Alert, language: Language) -> str:
    """Return the rule's condition, such as `Average ≥ 95 %`."""
    return condition_text(alert.expression, metric_unit(alert), language)


def message_lines(alert: Alert, language: Language) -> tuple[str, ...]:
    """Return at most MAX_LINES lines of the alert's message.

    For some alerts, trayalert writes the message itself, in one line. For all other alerts, the lines come from the
    sender's message. A line is left out if it repeats an earlier line, the alert's name or the name of the
    resource.
    """
    word_message = spec_of(alert.kind).message_text
    if word_message and (worded := word_message(alert, language)):
        return (worded,)
    already_shown = {"", name_text(alert, language), printable(alert.name), printable(alert.resource_name)}
    lines = (printable(line, limit=500) for line in (alert.message or "")[:_MAX_MESSAGE_LENGTH].splitlines())
    return tuple(islice((line for line in dict.fromkeys(lines) if line not in already_shown), MAX_LINES))


def metric_or_message(alert: Alert, language: Language) -> str:
    """Return the metric's title, or the first line of the message if the alert has no metric.

    Event alerts, for example, have no metric.
    """
    return metric_text(alert, language) or next(iter(message_lines(alert, language)), "")


def resource_text(alert: Alert) -> str:
    """Return the resource's name, or its id if it has no name."""
    return printable(alert.resource_name) or printable(alert.resource_id)


def component_text(alert: Alert, language: Language) -> str:
    """Return the components, such as `disk /dev/vda1` or `listener tcp:10080`.

    Return an empty string if there are no components.
    """
    return language.say(", ").join(
        language.say(
            "{component} {name}",
            component=language.say(component.word) if component.translatable else component.word,
            name=component.name,
        )
        for component in _components(alert)
    )


def short_component_text(alert: Alert) -> str:
    """Return the names of the first two components, separated by a space. Kubernetes namespaces are left out.

    Return an empty string if no component remains.
    """
    names = [component.name for component in _components(alert) if component.word not in _CONTEXT_WORDS]
    return " ".join(names[:2])


def _components(alert: Alert) -> tuple[Component, ...]:
    return components(alert, spec_of(alert.kind).component_words)


def resource_component_text(alert: Alert) -> str:
    """Return the resource and at most two components, such as `db-02 · /dev/vda1`."""
    return " · ".join(filter(None, (resource_text(alert), short_component_text(alert))))
