"""No clock that may be wrong deletes anything."""

from trayalert.domain.retiring import begin_patience, may_retire, watch_clock

DAY = 86_400_000
MINUTE = 60_000
NOON = 1_790_000_000_000


def test_nothing_is_deleted_in_the_first_ten_minutes() -> None:
    patience = begin_patience(now=NOON, ticks=5)
    assert not may_retire(patience, now=NOON + 9 * MINUTE, ticks=5 + 9 * MINUTE, newest=NOON)
    assert may_retire(patience, now=NOON + 11 * MINUTE, ticks=5 + 11 * MINUTE, newest=NOON)


def test_a_jump_of_the_clock_begins_the_ten_minutes_anew_and_running_on_does_not() -> None:
    patience = begin_patience(now=NOON, ticks=0)
    patience = watch_clock(patience, now=NOON + 20 * MINUTE, ticks=20 * MINUTE)
    assert may_retire(patience, now=NOON + 20 * MINUTE, ticks=20 * MINUTE, newest=NOON)
    patience = watch_clock(patience, now=NOON + 5 * DAY, ticks=21 * MINUTE)
    assert not may_retire(patience, now=NOON + 5 * DAY, ticks=30 * MINUTE, newest=NOON)
    assert may_retire(patience, now=NOON + 5 * DAY, ticks=32 * MINUTE, newest=NOON)


def test_a_clock_that_is_a_month_ahead_of_the_last_callback_is_believed_after_a_day() -> None:
    patience = begin_patience(now=NOON, ticks=0)
    assert not may_retire(patience, now=NOON, ticks=23 * 60 * MINUTE, newest=NOON - 31 * DAY)
    assert may_retire(patience, now=NOON, ticks=25 * 60 * MINUTE, newest=NOON - 31 * DAY)


def test_an_empty_log_has_nothing_to_delete() -> None:
    assert not may_retire(begin_patience(now=NOON, ticks=0), now=NOON, ticks=DAY, newest=None)
