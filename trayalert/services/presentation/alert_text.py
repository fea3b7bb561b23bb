"""Words the facts of an alert as text for users.

Titles and units in the callback take precedence over the built-in table of metrics, which was made from Alibaba's
documentation of 2021. Every string that this module returns is cleaned (`domain/text.py`) and limited in length, with
two exceptions: `metric_title` and `metric_unit` return strings as the callback sent them, because JSON for scripts
contains these strings.
"""

import csv
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from trayalert.callbacks.kinds import spec_of
from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.resource import normalise_namespace
from trayalert.domain.text import printable
from trayalert.domain.wording.component import Component, components
from trayalert.domain.wording.condition import condition_text
from trayalert.domain.wording.language import Language
from trayalert.domain.wording.quantity import quantity_text
from trayalert.domain.wording.unit import unit_or_none
from trayalert.resource_files import read_text

_COMPOSITE = "多指标"
"""The metric name that Cloud Monitor sends for a rule on several metrics.

Cloud Monitor sends the same name whatever the language of the account.
"""

_CONTEXT_WORDS = frozenset({"namespace"})
"""Components with these words are left out of `short_component_text`."""

MAX_LINES: Final = 20
_MAX_MESSAGE_LENGTH = 4000
"""Maximum number of characters to read from a message, because a sender could send 64 KB of line breaks."""


class Metric(NamedTuple):
    """What the built-in table says about a metric. The title in one of the two languages may be empty."""

    title_en: str
    title_zh: str
    unit: str | None

    def title(self, language: Language) -> str:
        """Return the title in the given language, or the title in the other language if the first is empty."""
        return (self.title_zh or self.title_en) if language is Language.ZH else (self.title_en or self.title_zh)


def find_metric(namespace: str | None, metric: str | None) -> Metric | None:
    """Return the metric with the given namespace and id, or None if the built-in table lacks the metric.

    The namespace may be spelled as in Cloud Monitor's rules or as in callbacks.
    """
    return _metrics().get((normalise_namespace(namespace) or "", metric)) if namespace and metric else None


@cache
def _metrics() -> dict[tuple[str, str], Metric]:
    rows = csv.DictReader(read_text("metrics.csv").splitlines())
    return {
        (normalise_namespace(row["namespace"]) or "", row["metric_name"]): Metric(
            row["title_en"], row["title_zh"], unit_or_none(row["unit"])
        )
        for row in rows
    }


def metric_title(alert: Alert, language: Language) -> str | None:
    """Return the metric's title, or None if the alert names no metric.

    The title in the callback is preferred, unless it only repeats the metric's id. The second choice is the title in
    the built-in table, and the third is the id.
    """
    if alert.metric_title and alert.metric_title != alert.metric:
        return alert.metric_title
    metric = find_metric(alert.namespace, alert.metric)
    return (metric.title(language) if metric else None) or alert.metric_title or alert.metric


def metric_unit(alert: Alert) -> str | None:
    """Return the unit in the callback, or the unit in the built-in table if the callback has none.

    Return None if neither has a unit.
    """
    if alert.unit:
        return alert.unit
    metric = find_metric(alert.namespace, alert.metric)
    return metric.unit if metric else None


def name_text(alert: Alert, language: Language) -> str:
    """Return the alert's name, or an empty string if the alert has no name.

    If the alert has several names, the name in the given language is preferred.
    """
    word_name = spec_of(alert.kind).name_text
    worded = word_name(alert.name, language) if word_name else None
    return printable(alert.titles.get(language) or worded or alert.name or next(iter(alert.titles.values()), None))


def metric_text(alert: Alert, language: Language) -> str:
    """Return the metric's title, cleaned, or an empty string if the alert names no metric.

    For a rule on several metrics, return "Several metrics" in the given language.
    """
    title = metric_title(alert, language)
    return language.say("Several metrics") if title == _COMPOSITE else printable(title)


def value_text(alert: Alert, language: Language) -> str:
    """Return the value with its unit, such as `97.4 %`."""
    return quantity_text(alert.value, alert.value_text, metric_unit(alert), language)


def rule_condition_text(alert: Alert, language: Language) -> str:
    """Return the rule's condition, such as `Average ≥ 95 %`."""
    return condition_text(alert.expression, metric_unit(alert), language)


def message_lines(alert: Alert, language: Language) -> tuple[str, ...]:
    """Return at most MAX_LINES lines of the alert's message.

    For some kinds of callback, trayalert writes the message itself, in one line. For all other kinds, the lines come
    from the sender's message. A line is left out if it repeats an earlier line, the alert's name or the name of the
    resource.
    """
    if word_message := spec_of(alert.kind).message_text:
        return (word_message(alert.fields, language),)
    already_shown = {"", name_text(alert, language), printable(alert.name), printable(alert.resource_name)}
    lines = (printable(line, limit=500) for line in (alert.message or "")[:_MAX_MESSAGE_LENGTH].splitlines())
    return tuple(islice((line for line in dict.fromkeys(lines) if line not in already_shown), MAX_LINES))


def metric_or_message(alert: Alert, language: Language) -> str:
    """Return the metric's title or, if the alert has no metric, the first line of the message.

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
        f"{language.say(component.word) if component.translatable else component.word} {component.name}"
        for component in _components(alert)
    )


def short_component_text(alert: Alert) -> str:
    """Return the names of the first two components, such as `/dev/vda1`.

    Return an empty string if there are no components.
    """
    names = [component.name for component in _components(alert) if component.word not in _CONTEXT_WORDS]
    return " ".join(names[:2])


def _components(alert: Alert) -> tuple[Component, ...]:
    return components(alert, spec_of(alert.kind).component_words)


def resource_component_text(alert: Alert) -> str:
    """Return the resource and the names of its first two components, such as `db-02 · /dev/vda1`."""
    return " · ".join(filter(None, (resource_text(alert), short_component_text(alert))))
