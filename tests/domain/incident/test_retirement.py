"""No clock that may be wrong deletes anything."""

import pytest

from trayalert.domain.incident.retirement import may_retire

DAY = 86_400_000
MINUTE = 60_000
NOON = 1_790_000_000_000


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
