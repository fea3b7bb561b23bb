"""A clock that jumped closes nothing for a while, and the person is told."""

import pytest

from trayalert.domain.steady_clock import behind_told, calm, jump_told, watch

NOON = 1_790_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE


def test_a_clock_that_runs_on_is_trusted_though_the_computer_slept() -> None:
    clock = watch(None, wall=NOON, ticks=5)
    clock = watch(clock, wall=NOON + 9 * HOUR, ticks=5 + 9 * HOUR)

    assert calm(clock, ticks=5 + 9 * HOUR)
    assert jump_told(clock, ticks=5 + 9 * HOUR) is None


def test_a_clock_that_is_kept_right_in_small_steps_is_trusted() -> None:
    clock = watch(None, wall=NOON, ticks=0)
    for number in range(1, 50):
        clock = watch(clock, wall=NOON + number * (MINUTE + 60_000), ticks=number * MINUTE)

    assert calm(clock, ticks=50 * MINUTE)


@pytest.mark.parametrize(("by", "where"), [(30 * HOUR, "forward by 1 d 6 h"), (-3 * HOUR, "back by 3 h")])
def test_a_jump_is_told_for_a_day_and_nothing_closes_for_ten_minutes(by: int, where: str) -> None:
    clock = watch(watch(None, wall=NOON, ticks=0), wall=NOON + MINUTE + by, ticks=MINUTE)

    assert where in str(jump_told(clock, ticks=MINUTE))
    assert not calm(clock, ticks=MINUTE)
    later = watch(clock, wall=NOON + 9 * MINUTE + by, ticks=9 * MINUTE)
    assert not calm(later, ticks=9 * MINUTE)
    assert calm(later, ticks=11 * MINUTE)
    assert jump_told(later, ticks=23 * HOUR)
    assert jump_told(later, ticks=25 * HOUR) is None


def test_a_clock_behind_the_newest_callback_is_told_until_it_is_right() -> None:
    assert behind_told(wall=NOON, newest=None) is None
    assert behind_told(wall=NOON, newest=NOON + 4 * MINUTE) is None
    assert "3 d 2 h later" in str(behind_told(wall=NOON, newest=NOON + 74 * HOUR))
    assert behind_told(wall=NOON, newest=2**62) is None
