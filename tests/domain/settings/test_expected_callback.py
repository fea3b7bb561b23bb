import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayalert.domain.gap import Gap, GapCause, gap_time
from trayalert.domain.incident.alert import SILENCE, Alert, Identity, Kind, State
from trayalert.domain.incident.level import Level
from trayalert.domain.settings.expected_callback import MOST_EXPECTED, ExpectedCallback, matches_report, read_expected
from trayalert.domain.settings.settings import parse_settings

ALERT = Alert(
    kind=Kind("threshold"),
    identity=Identity(text="", timed=False),
    key="k",
    subject="k",
    state=State.ALERT,
    level=Level.WARN,
    name="backup-shop",
    rule_id="rule-7",
    namespace="acs_ecs",
    resource_id="i-1",
    resource_name="db-01",
)


def alert_matches(alert: Alert = ALERT, /, **matchers: Any) -> bool:
    return matches_report(ExpectedCallback(name="x", hours=1, **matchers), alert)


# which alerts count as reports
@pytest.mark.parametrize(
    "matchers",
    [
        {"rule": "backup-shop"}, {"rule": "rule-7"}, {"rule": "backup-*"}, {"rule": "*"}, {"rule": "*shop"},
        {"rule": "b*-*p"}, {"rule": "**backup**shop**"}, {"resource": "i-1"}, {"resource": "db-*"},
        {"namespace": "acs_*"}, {"kind": "threshold"}, {"rule": "backup-*", "resource": "db-01", "kind": "*"},
    ],
)  # fmt: skip
def test_what_fits_all_matchers_is_a_report(matchers: dict[str, str]) -> None:
    assert alert_matches(**matchers)


@pytest.mark.parametrize(
    "matchers",
    [
        {"rule": "backup"}, {"rule": "Backup-shop"}, {"rule": "BACKUP-*"}, {"rule": "backup-sho?"}, {"rule": "[b]*"},
        {"rule": "*shop-*"}, {"rule": "backup-shop*p"}, {"resource": "i"}, {"namespace": "acs"}, {"kind": "event"},
        {"rule": "backup-*", "resource": "db-02"}, {"rule": ".*"}, {"rule": "*o*o*"},
    ],
)  # fmt: skip
def test_what_one_matcher_does_not_fit_is_none(matchers: dict[str, str]) -> None:
    assert not alert_matches(**matchers)


def test_any_state_is_a_report_and_what_is_absent_fits_nothing() -> None:
    for state in (*State, None):
        assert alert_matches(replace(ALERT, state=state), rule="backup-*")
    assert not alert_matches(replace(ALERT, resource_id=None, resource_name=None), resource="*")


def test_what_the_program_says_of_a_silence_is_no_report() -> None:
    assert not alert_matches(replace(ALERT, kind=SILENCE), rule="*")
    assert not alert_matches(replace(ALERT, kind=SILENCE), kind="silence")


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_a_star_is_any_text(pattern: str, text: str) -> None:
    def slow(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(slow(pattern[1:], text[start:]) for start in range(len(text) + 1))
        return text[:1] == pattern[0] and slow(pattern[1:], text[1:])

    assert alert_matches(replace(ALERT, name=text, rule_id=None), rule=pattern) == slow(pattern, text)


def test_no_pattern_makes_it_slow() -> None:
    begun = time.perf_counter()
    assert not alert_matches(replace(ALERT, name="a" * 60_000), rule="*a" * 99 + "*b")
    assert time.perf_counter() - begun < 0.1


# the settings
TABLES = """
[[expected]]
name = "nightly backup"
hours = 25
rule = "backup-*"

[[expected]]
name = "心跳"
hours = 0.02
level = "CRITICAL"
namespace = "acs_ecs_dashboard"
resource = "i-1"
kind = "event"
"""


def test_the_tables_are_read() -> None:
    settings, problems = parse_settings(TABLES)

    assert problems == ()
    assert settings.expected == (
        ExpectedCallback(name="nightly backup", hours=25, rule="backup-*"),
        ExpectedCallback(
            name="心跳", hours=0.02, level=Level.CRITICAL, namespace="acs_ecs", resource="i-1", kind="event"
        ),
    )  # fmt: skip
    assert settings.expected[1].allowed_silence == 72_000


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, "number 1: its name must be a line"),
        ({"name": "a\nb", "hours": 1, "rule": "x"}, "its name must be a line"),
        ({"name": "x" * 61, "hours": 1, "rule": "x"}, "its name must be a line"),
        ({"name": "x", "rule": "x"}, '"x": hours must be a number above 0'),
        ({"name": "x", "hours": True, "rule": "x"}, "hours must be"),
        ({"name": "x", "hours": float("nan"), "rule": "x"}, "hours must be"),
        ({"name": "x", "hours": 8785, "rule": "x"}, "hours must be"),
        ({"name": "x", "hours": 1}, "must name at least one of rule, resource, namespace, kind"),
        ({"name": "x", "hours": 1, "rule": ""}, "rule must be a text"),
        ({"name": "x", "hours": 1, "kind": 7}, "kind must be a text"),
        ({"name": "x", "hours": 1, "rule": "x", "level": "OK"}, "level must be"),
        ({"name": "x", "hours": 1, "rule": "x", "level": ["WARN"]}, "level must be"),
        ({"name": "x", "hours": 1, "rules": "x"}, '"rules" is no part of it (is rule meant?)'),
        ({"name": "x", "hours": 1, "zzz": "x"}, "there are name, hours, level, rule"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_left_out(table: dict[str, object], problem: str) -> None:
    sound = {"name": "sound", "hours": 1, "rule": "y"}
    found, problems = read_expected([table, sound])

    assert [each.name for each in found] == ["sound"]
    (sentence,) = problems
    assert problem in sentence
    assert sentence.endswith("; it is left out.")


@pytest.mark.parametrize("value", [7, "x", {"name": "x"}, [7], [[]]])
def test_what_is_no_list_of_tables_is_told(value: object) -> None:
    found, (problem,) = read_expected(value)
    assert found == ()
    assert "must be tables [[expected]]" in problem


def test_a_name_is_there_once_and_there_are_not_too_many() -> None:
    one = {"name": "x", "hours": 1, "rule": "y"}
    assert "of that name already" in read_expected([one, one])[1][0]
    many = [{**one, "name": str(number)} for number in range(MOST_EXPECTED + 1)]
    found, problems = read_expected(many)
    assert (len(found), len(problems)) == (MOST_EXPECTED, 1)


# time in which nothing could arrive
def gap(began_at: int, ended_at: int | None) -> Gap:
    return Gap(id=1, cause=GapCause.OFF, began_at=began_at, ended_at=ended_at)


@pytest.mark.parametrize(
    ("gaps", "total"),
    [
        ([], 0), ([gap(0, 50)], 0), ([gap(0, 150)], 50), ([gap(150, None)], 50), ([gap(50, 900)], 100),
        ([gap(110, 130), gap(120, 140)], 30), ([gap(110, 190), gap(120, 130)], 80), ([gap(180, 170)], 0),
        ([gap(150, 160), gap(110, 120), gap(0, None)], 100), ([gap(300, 400)], 0),
    ],
)  # fmt: skip
def test_gaps_are_merged_and_cut_to_the_span(gaps: list[Gap], total: int) -> None:
    assert gap_time(gaps, since=100, until=200) == total


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40) | st.none()), max_size=6))
def test_each_moment_counts_once(spans: list[tuple[int, int | None]]) -> None:
    inside = {
        moment for moment in range(10, 30) if any(a <= moment < (99 if b is None else b) for a, b in spans)
    }  # fmt: skip
    assert gap_time([gap(a, b) for a, b in spans], since=10, until=30) == len(inside)
