"""After a jump of the clock, nothing closes for a while, and the user is informed."""

import pytest

from trayalert.domain.steady_clock import behind_text, is_stable, jump_text, may_retire, observe_clock

NOON = 1_790_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def test_a_clock_that_runs_on_is_trusted_though_the_computer_slept() -> None:
    clock = observe_clock(None, wall=NOON, ticks=5)
    clock = observe_clock(clock, wall=NOON + 9 * HOUR, ticks=5 + 9 * HOUR)

    assert is_stable(clock, ticks=5 + 9 * HOUR)
    assert jump_text(clock, ticks=5 + 9 * HOUR) is None


def test_a_clock_that_is_kept_right_in_small_steps_is_trusted() -> None:
    clock = observe_clock(None, wall=NOON, ticks=0)
    for number in range(1, 50):
        clock = observe_clock(clock, wall=NOON + number * (MINUTE + 60_000), ticks=number * MINUTE)

    assert is_stable(clock, ticks=50 * MINUTE)


@pytest.mark.parametrize(("by", "where"), [(30 * HOUR, "forward by 1 d 6 h"), (-3 * HOUR, "back by 3 h")])
def test_a_jump_is_told_for_a_day_and_nothing_closes_for_ten_minutes(by: int, where: str) -> None:
    clock = observe_clock(observe_clock(None, wall=NOON, ticks=0), wall=NOON + MINUTE + by, ticks=MINUTE)

    assert where in str(jump_text(clock, ticks=MINUTE))
    assert not is_stable(clock, ticks=MINUTE)
    later = observe_clock(clock, wall=NOON + 9 * MINUTE + by, ticks=9 * MINUTE)
    assert not is_stable(later, ticks=9 * MINUTE)
    assert is_stable(later, ticks=11 * MINUTE)
    assert jump_text(later, ticks=23 * HOUR)
    assert jump_text(later, ticks=25 * HOUR) is None


def test_a_clock_behind_the_newest_callback_is_told_until_it_is_right() -> None:
    assert behind_text(wall=NOON, newest=None) is None
    assert behind_text(wall=NOON, newest=NOON + 4 * MINUTE) is None
    assert "3 d 2 h later" in str(behind_text(wall=NOON, newest=NOON + 74 * HOUR))
    assert behind_text(wall=NOON, newest=2**62) is None


@pytest.mark.parametrize(
    ("clock_stable", "uptime", "newest", "may"),
    [
        (True, 9 * MINUTE, NOON, False),
        (True, 11 * MINUTE, NOON, True),
        (False, 11 * MINUTE, NOON, False),
        (True, 11 * MINUTE, NOON - 29 * DAY, True),
        (True, 23 * 60 * MINUTE, NOON - 31 * DAY, False),
        (True, 25 * 60 * MINUTE, NOON - 31 * DAY, True),
        (True, DAY, None, False),
    ],
)
def test_old_callbacks_go_only_by_a_clock_that_is_trusted(
    clock_stable: bool,
    uptime: int,
    newest: int | None,
    may: bool,
) -> None:
    assert may_retire(clock_stable=clock_stable, uptime=uptime, wall=NOON, newest=newest) is may
