import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayalert.domain.level import Level, read_level, worst


def test_levels_rank_from_calm_to_worst() -> None:
    assert [level.rank for level in (Level.OK, Level.INFO, Level.WARN, Level.CRITICAL)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("OK", Level.OK), ("INFO", Level.INFO), ("P4", Level.INFO), ("WARN", Level.WARN), ("WARNING", Level.WARN),
        ("P3", Level.WARN), ("CRITICAL", Level.CRITICAL), ("P1", Level.CRITICAL), ("P2", Level.CRITICAL),
        (" warn\n", Level.WARN), ("Critical", Level.CRITICAL), (None, Level.WARN), ("", Level.WARN),
        ("null", Level.WARN), ("EMERGENCY", Level.CRITICAL),
        ("P0", Level.WARN), ("P5", Level.WARN), ("警告", Level.WARN), ("ERROR", Level.WARN),
    ],
)  # fmt: skip
def test_every_word_is_a_level(word: str | None, level: Level) -> None:
    assert read_level(word) is level


@given(st.text(), st.sampled_from(Level))
def test_an_unknown_word_is_what_the_caller_says_and_never_calm_by_itself(word: str, absent: Level) -> None:
    assert read_level(word, absent=absent) in {read_level(word), absent}
    assert (read_level(word) is Level.OK) == (word.strip().upper() == "OK")


def test_the_worst_is_found_in_any_order() -> None:
    for some in itertools.permutations(Level):
        assert worst(*some) is Level.CRITICAL
        assert worst(*some[:2]).rank == max(level.rank for level in some[:2])
    assert worst(Level.OK) is Level.OK
