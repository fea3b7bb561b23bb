"""Expected callbacks, a dead man's switch: an incident opens if a sender does not report for some hours.

Every callback of the sender counts as a report, regardless of its state. The alerts that trayalert itself makes about a
silence do not count as reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from trayalert.domain.incident.alert import SILENCE, Alert
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.resource import normalise_namespace
from trayalert.domain.incident.stored_alert import LastReport
from trayalert.domain.phrase import N_, NAMES, Phrase, PhraseList
from trayalert.domain.settings.setting_value import MOST_HOURS, is_hours, name_problem
from trayalert.domain.text import as_written, suggestion
from trayalert.domain.times import Millis

MOST_EXPECTED = 100
_LONGEST_NAME, _LONGEST_PATTERN = 60, 200
_EXAMPLE = N_('name = "nightly backup", hours = 25 and rule = "backup-*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCallback:
    """A rule or resource that must report at least once every `hours` hours.

    `rule`, `resource`, `namespace` and `kind` are patterns, in which `*` matches any text. `rule` and `resource` may
    match either a name or an id. A callback counts as a report if it matches all patterns that are not None. If no
    report comes in time, an incident of the given `level` opens.
    """

    name: str
    hours: float
    level: Level = Level.WARN
    rule: str | None = None
    resource: str | None = None
    namespace: str | None = None
    kind: str | None = None

    @property
    def allowed_silence(self) -> Millis:
        """The longest time that may pass without a report, in milliseconds."""
        return round(self.hours * 3_600_000)


def matches_report(expected: ExpectedCallback, report: Alert | LastReport) -> bool:
    """Return whether the given alert counts as a report of the expected callback."""
    return report.kind != SILENCE and all(
        pattern is None or any(text is not None and _matches_pattern(pattern, text) for text in texts)
        for pattern, texts in (
            (expected.rule, (report.name, report.rule_id)),
            (expected.resource, (report.resource_id, report.resource_name)),
            (expected.namespace, (report.namespace,)),
            (expected.kind, (report.kind,)),
        )
    )


def _matches_pattern(pattern: str, text: str) -> bool:
    """Return whether the pattern matches the whole text. `*` matches any text.

    Each piece between two stars is searched for once, so that no pattern is slow.
    """
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    place, end = len(first), len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or end < place:
        return False
    for piece in middle:
        place = text.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return True


def read_expected(value: object) -> tuple[tuple[ExpectedCallback, ...], tuple[str, ...]]:
    """Read the `[[expected]]` tables.

    Return an expected callback for each valid table, and a sentence for each problem.
    """
    if not isinstance(value, list) or not all(isinstance(table, Mapping) for table in value):
        problem = Phrase(
            "expected = {value}: must be tables [[expected]], each with lines such as {example}.",
            value=as_written(value),
            example=Phrase(_EXAMPLE),
        )
        return (), (problem,)
    found: dict[str, ExpectedCallback] = {}
    problems: list[str] = []
    for number, table in enumerate(value, start=1):
        name = table.get("name")
        wrong = expected_problem(table)
        if wrong is None and name in found:
            wrong = Phrase("there is one of that name already")
        if wrong is None and len(found) == MOST_EXPECTED:
            wrong = Phrase("there are {most} already", most=MOST_EXPECTED)
        if wrong is None:
            found[str(name)] = _expected_callback(table)
        else:
            nameless = Phrase("number {number}", number=number)
            which = as_written(name) if isinstance(name, str) and name.strip() else nameless
            problems.append(Phrase("[[expected]] {which}: {wrong}; it is left out.", which=which, wrong=wrong))
    return tuple(found.values()), tuple(problems)


def expected_problem(table: Mapping[str, object]) -> str | None:
    """Return a clause that says what is wrong with an `[[expected]]` table, or None if the table is valid."""
    for unknown in [key for key in table if key not in _KEYS]:
        hint = suggestion(unknown, _KEYS, or_all=True)
        return Phrase("{key} is no part of it ({hint})", key=as_written(unknown), hint=hint)
    name, hours, level = table.get("name"), table.get("hours"), table.get("level", Level.WARN)
    if wrong := name_problem(name, longest=_LONGEST_NAME):
        return wrong
    if not is_hours(hours):
        return Phrase("hours must be a number above 0, and {most} at most, such as 25", most=MOST_HOURS)
    if level not in _LEVELS:
        return Phrase('level must be "CRITICAL", "WARN" or "INFO"')
    return _matcher_problem({name: table[name] for name in _MATCHERS if name in table})


def _matcher_problem(matchers: Mapping[str, object]) -> str | None:
    for which, pattern in matchers.items():
        if not isinstance(pattern, str) or not pattern.strip() or len(pattern) > _LONGEST_PATTERN:
            return Phrase("{key} must be a text of 1 to {longest} characters", key=which, longest=_LONGEST_PATTERN)
    if matchers:
        return None
    return Phrase("must name at least one of {keys}", keys=PhraseList(_MATCHERS, separator=NAMES))


def _expected_callback(table: Mapping[str, Any]) -> ExpectedCallback:
    level, namespace = Level(table.get("level", Level.WARN)), normalise_namespace(table.get("namespace"))
    return ExpectedCallback(**{**table, "hours": float(table["hours"]), "level": level, "namespace": namespace})


_KEYS = tuple(each.name for each in fields(ExpectedCallback))
_MATCHERS = ("rule", "resource", "namespace", "kind")
_LEVELS = (Level.CRITICAL, Level.WARN, Level.INFO)
