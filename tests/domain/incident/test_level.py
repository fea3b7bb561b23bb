import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayalert.domain.incident.level import Level, read_level, worst


def test_levels_rank_from_calm_to_worst() -> None:
    assert [level.rank for level in (Level.OK, Level.INFO, Level.WARN, Level.CRITICAL)] == [0, 1, 2, 3]


SENDERS: dict[str, dict[Level, str]] = {
    # for each sender, the words that its documentation lists
    "Cloud Monitor": {
        Level.CRITICAL: "CRITICAL,P1,P2,严重,紧急", Level.WARN: "WARN,P3,警告", Level.INFO: "INFO,P4,信息,提醒",
    },
    "Cloud Monitor 2.0": {Level.CRITICAL: "EMERGENCY,CRITICAL", Level.WARN: "WARNING", Level.INFO: "INFO"},
    "ECS system events": {Level.CRITICAL: "Serious", Level.WARN: "Warning", Level.INFO: "Notice"},
    "ARMS": {Level.CRITICAL: "P1,P2,critical,page", Level.WARN: "P3,error,warn", Level.INFO: "P4,P5,P6"},
    "Prometheus": {
        Level.CRITICAL: "critical,page,emergency", Level.WARN: "warning,error,ticket", Level.INFO: "info,none,notice",
    },
    "Grafana": {Level.CRITICAL: "critical,fatal,high", Level.WARN: "warning,medium", Level.INFO: "info,low"},
    "Zabbix": {
        Level.CRITICAL: "High,Disaster,严重,灾难", Level.WARN: "Warning,Average,警告,一般严重",
        Level.INFO: "Not classified,not_classified,Information,未分类,信息",
    },
    "syslog": {
        Level.CRITICAL: "emerg,panic,alert,crit", Level.WARN: "err,error,warning,warn",
        Level.INFO: "notice,info,informational,debug",
    },
    "PagerDuty": {
        Level.CRITICAL: "critical,P1,P2,SEV-1,sev1,SEV 2,sev_2", Level.WARN: "error,warning,P3,SEV-3,sev3",
        Level.INFO: "info,P4,P5,SEV-4,SEV-5,sev5",
    },
    "Opsgenie": {Level.CRITICAL: "P1,P2", Level.WARN: "P3", Level.INFO: "P4,P5"},
    "Datadog": {Level.CRITICAL: "Alert", Level.WARN: "Warn,error,warning", Level.INFO: "info"},
    "Nagios": {Level.CRITICAL: "CRITICAL,DOWN", Level.WARN: "WARNING,UNREACHABLE,UNKNOWN"},
    "Azure Monitor": {Level.CRITICAL: "Sev0,Sev1,Sev2", Level.WARN: "Sev3", Level.INFO: "Sev4,Verbose,Informational"},
    "Google Cloud": {Level.CRITICAL: "CRITICAL", Level.WARN: "ERROR,WARNING,SEVERITY_UNSPECIFIED"},
    "Log Service": {Level.CRITICAL: "critical,high", Level.WARN: "medium", Level.INFO: "low"},
    "X.733": {Level.CRITICAL: "critical,major", Level.WARN: "minor,warning,indeterminate,cleared"},
    "Huawei Cloud Eye": {Level.CRITICAL: "紧急,重要", Level.WARN: "次要", Level.INFO: "提示"},
    "people": {
        Level.CRITICAL: "P0,urgent,severe,blocker,致命,危急,重大,高", Level.WARN: "moderate,一般,告警,预警,中",
        Level.INFO: "trivial,trace,通知,低",
    },
    "nobody in one sense": {
        Level.WARN: "unknown,default,unspecified,normal,resolved,0,1,2,3,4,5,10,s1,S-1,P,P10,SEV,sev9,criticalish",
    },
}  # fmt: skip
FACTS = [
    (sender, word, level)
    for sender, levels in SENDERS.items()
    for level, words in levels.items()
    for word in words.split(",")
]


@pytest.mark.parametrize(("sender", "word", "level"), FACTS)
def test_the_word_of_a_sender_is_a_level(sender: str, word: str, level: Level) -> None:
    assert read_level(word) is level


@pytest.mark.parametrize("level", Level)
def test_a_level_in_the_log_comes_back(level: Level) -> None:
    assert read_level(str(level)) is level


@pytest.mark.parametrize("word", [None, "", " ", "null"])
def test_no_word_is_a_warning(word: str | None) -> None:
    assert read_level(word) is Level.WARN


spaces = st.text(" \t\n\u3000", max_size=2)


@given(
    fact=st.sampled_from(FACTS), before=spaces, after=spaces, write=st.sampled_from([str.upper, str.lower, str.title])
)
def test_neither_case_nor_spaces_around_a_word_matter(
    fact: tuple[str, str, Level], before: str, after: str, write: Callable[[str], str]
) -> None:
    assert read_level(before + write(fact[1]) + after) is fact[2]


@given(st.text(), st.sampled_from(Level))
def test_an_unknown_word_is_what_the_caller_says_and_never_calm_by_itself(word: str, absent: Level) -> None:
    assert read_level(word, absent=absent) in {read_level(word), absent}
    assert (read_level(word) is Level.OK) == (word.strip().upper() == "OK")


@given(st.lists(st.none() | st.sampled_from(["", "unknown", "7", "?"])), st.sampled_from(FACTS), st.text())
def test_the_first_word_that_is_known_tells_the_level(
    unknown: list[str | None], fact: tuple[str, str, Level], after: str
) -> None:
    known = read_level(fact[1], absent=Level.OK) is not Level.OK

    assert read_level(*unknown, fact[1], "none" if after == "none" else "critical") is (
        fact[2] if known else Level.CRITICAL
    )


def test_the_worst_is_found_in_any_order() -> None:
    for some in itertools.permutations(Level):
        assert worst(*some) is Level.CRITICAL
        assert worst(*some[:2]).rank == max(level.rank for level in some[:2])
    assert worst(Level.OK) is Level.OK
