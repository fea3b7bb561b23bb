"""Gaps are recorded, ended and read again."""

from pathlib import Path

import pytest

from tests.storage.making import MINUTE, NOON, append, reading, rows, store, writing
from trayalert.domain.events import GapChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.storage.writer.gap_records import AddGap, EndGaps


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def read(path: Path, *, limit: int = 10) -> list[Gap]:
    with reading(path) as reader:
        return reader.gaps(limit=limit)


def test_a_gap_is_read_as_it_was_noted_and_announced(path: Path) -> None:
    (announced,) = store(path, AddGap(cause=GapCause.ASLEEP, began_at=NOON, ended_at=NOON + MINUTE, why="睡眠\n'; --"))

    (gap,) = read(path)
    assert gap == Gap(id=1, cause=GapCause.ASLEEP, began_at=NOON, ended_at=NOON + MINUTE, why="睡眠\n'; --")
    assert announced == (GapChanged(gap),)


def test_the_last_to_begin_is_first_whatever_was_noted_first(path: Path) -> None:
    store(path, *(AddGap(cause=GapCause.OFF, began_at=NOON + by, ended_at=NOON + by) for by in (5, 9, 5, 1)))

    assert [gap.id for gap in read(path)] == [2, 3, 1, 4]
    assert [gap.id for gap in read(path, limit=2)] == [2, 3]
    assert read(path, limit=0) == []


def test_a_gap_that_lasts_survives_the_end_of_the_program_and_is_ended_once(path: Path) -> None:
    store(path, AddGap(cause=GapCause.BLIND, began_at=NOON, why="The tunnel is down."))
    assert read(path) == [Gap(id=1, cause=GapCause.BLIND, began_at=NOON, why="The tunnel is down.")]

    ended, again = store(path, EndGaps(NOON + MINUTE), EndGaps(NOON + 2 * MINUTE))

    (gap,) = read(path)
    assert (gap.ended_at, gap.why, gap.length(NOON + 9 * MINUTE)) == (NOON + MINUTE, "The tunnel is down.", MINUTE)
    assert (ended, again) == ((GapChanged(gap),), ())


def test_all_that_last_end_and_those_that_have_ended_stay(path: Path) -> None:
    over = AddGap(cause=GapCause.OFF, began_at=NOON, ended_at=NOON + 1)
    lasting = [AddGap(cause=cause, began_at=NOON + MINUTE) for cause in (GapCause.BLIND, GapCause.ASLEEP)]
    *_, ended = store(path, over, *lasting, EndGaps(NOON + 2 * MINUTE))

    assert sorted(event.gap.id for event in ended) == [2, 3]
    assert {gap.id: gap.ended_at for gap in read(path)} == {
        1: NOON + 1,
        2: NOON + 2 * MINUTE,
        3: NOON + 2 * MINUTE,
    }


def test_no_gap_ends_before_it_began_though_the_clock_was_set_back(path: Path) -> None:
    store(path, AddGap(cause=GapCause.BLIND, began_at=NOON), EndGaps(NOON - MINUTE))

    (gap,) = read(path)
    assert (gap.ended_at, gap.length(NOON - MINUTE)) == (NOON, 0)


def test_gaps_touch_no_alert(path: Path) -> None:
    store(path, append(), AddGap(cause=GapCause.OFF, began_at=NOON), append("i-2"), EndGaps(NOON))

    assert rows(path, "SELECT count(*) FROM alert") == [(2,)]
    assert rows(path, "SELECT count(*) FROM gap") == [(1,)]


def test_a_way_in_that_flaps_for_days_fills_no_log(path: Path) -> None:
    with writing(path) as log:
        log.commit([AddGap(cause=GapCause.BLIND, began_at=NOON + at, ended_at=NOON + at) for at in range(10_002)])
    with reading(path) as reader:
        assert [gap.id for gap in reader.gaps(limit=20_000)] == list(range(10_002, 2, -1))
