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
from trayalert.domain.settings.setting_value import MOST_HOURS, is_hours, name_problem
from trayalert.domain.text import as_written, suggestion
from trayalert.domain.times import Millis

MOST_EXPECTED = 100
_LONGEST_NAME, _LONGEST_PATTERN = 60, 200
_EXAMPLE = 'name = "nightly backup", hours = 25 and rule = "backup-*"'


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
        return (), (
            f"expected = {as_written(value)}: must be tables [[expected]], each with lines such as {_EXAMPLE}.",
        )
    found: dict[str, ExpectedCallback] = {}
    problems: list[str] = []
    for number, table in enumerate(value, start=1):
        name = table.get("name")
        wrong = expected_problem(table)
        if wrong is None and name in found:
            wrong = "there is one of that name already"
        if wrong is None and len(found) == MOST_EXPECTED:
            wrong = f"there are {MOST_EXPECTED} already"
        if wrong is None:
            found[str(name)] = _expected_callback(table)
        else:
            which = as_written(name) if isinstance(name, str) and name.strip() else f"number {number}"
            problems.append(f"[[expected]] {which}: {wrong}; it is left out.")
    return tuple(found.values()), tuple(problems)


def expected_problem(table: Mapping[str, object]) -> str | None:
    """Return a clause that says what is wrong with an `[[expected]]` table, or None if the table is valid."""
    for unknown in [key for key in table if key not in _KEYS]:
        return f"{as_written(unknown)} is no part of it ({suggestion(unknown, _KEYS, or_all=True)})"
    name, hours, level = table.get("name"), table.get("hours"), table.get("level", Level.WARN)
    if wrong := name_problem(name, longest=_LONGEST_NAME):
        return wrong
    if not is_hours(hours):
        return f"hours must be a number above 0, and {MOST_HOURS} at most, such as 25"
    if level not in _LEVELS:
        return 'level must be "CRITICAL", "WARN" or "INFO"'
    return _matcher_problem({name: table[name] for name in _MATCHERS if name in table})


def _matcher_problem(matchers: Mapping[str, object]) -> str | None:
    for which, pattern in matchers.items():
        if not isinstance(pattern, str) or not pattern.strip() or len(pattern) > _LONGEST_PATTERN:
            return f"{which} must be a text of 1 to {_LONGEST_PATTERN} characters"
    return None if matchers else f"must name at least one of {', '.join(_MATCHERS)}"


def _expected_callback(table: Mapping[str, Any]) -> ExpectedCallback:
    level, namespace = Level(table.get("level", Level.WARN)), normalise_namespace(table.get("namespace"))
    return ExpectedCallback(**{**table, "hours": float(table["hours"]), "level": level, "namespace": namespace})


_KEYS = tuple(each.name for each in fields(ExpectedCallback))
_MATCHERS = ("rule", "resource", "namespace", "kind")
_LEVELS = (Level.CRITICAL, Level.WARN, Level.INFO)
