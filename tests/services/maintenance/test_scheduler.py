"""The log is kept in good order while the program runs, and live callbacks take precedence."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.storage.damage import PAGE, big_log, leaves, overwrite
from tests.storage.making import MINUTE, NOON, append, callback, locked, raw_callback, read, rows, store, until
from trayalert.domain.events import Event, LogChanged
from trayalert.domain.settings.settings import Settings
from trayalert.services.inbox import Inbox
from trayalert.services.maintenance.scheduler import MaintenanceScheduler
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.backups import list_backups
from trayalert.storage.writer.incident_closure import Resolve

DAY = 24 * 60 * MINUTE


@dataclass
class Clock:
    """The wall clock and the ticks, which advance only when a test says so."""

    now: int = NOON + 500 * DAY
    ticks: int = 0
    reads: int = 0

    def read_ticks(self) -> int:
        self.reads += 1
        return self.ticks

    def pass_(self, length: int) -> None:
        self.now += length
        self.ticks += length


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


@asynccontextmanager
async def running_scheduler(
    path: Path, clock: Clock, settings: Settings | None = None
) -> AsyncIterator[tuple[Inbox, MaintenanceScheduler]]:
    inbox = Inbox(path)
    scheduler = MaintenanceScheduler(
        inbox, path, settings or Settings(), now=lambda: clock.now, ticks=clock.read_ticks, minute=0.01
    )
    task = asyncio.create_task(scheduler.run())
    try:
        yield inbox, scheduler
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])
        await inbox.close()


async def some_turns(clock: Clock) -> None:
    """Wait until the scheduler has read the ticks 40 times, so that several of its minutes have passed."""
    enough = clock.reads + 40
    await until(lambda: clock.reads > enough)


def count(path: Path, table: str = "delivery") -> int:
    return int(rows(path, f"SELECT count(*) FROM {table}")[0][0])


async def test_a_damaged_log_comes_back_while_new_callbacks_are_stored(path: Path, clock: Clock) -> None:
    big_log(path, 801)
    overwrite(path, 0, bytes(100))
    async with running_scheduler(path, clock) as (inbox, _):
        events: list[Event] = []
        inbox.subscribe(events.extend)
        assert await inbox.receive(callback("live", at=clock.now))
        await until(lambda: any("801 of 801" in sentence for sentence in inbox.log_state.news), deadline=20)
        await until(lambda: not inbox.log_state.salvaging)
        assert count(path) == 802
        states = [event.state for event in events if isinstance(event, LogChanged)]
        assert any("is being salvaged" in problem for state in states for problem in state.problems)
        assert inbox.log_state.problems == ()
        assert inbox.log_state.new_file > states[0].new_file  # readers that have read the old log must read the new one
    # alerts that were salvaged are not announced
    assert not [event for event in events if not isinstance(event, LogChanged)][2:]


@pytest.mark.parametrize(
    "offset", [0, 16, 32 + 30 * 4120, 32 + 30 * 4120 + 1000], ids=["header", "salts", "frame", "page"]
)
async def test_what_lies_behind_damage_in_the_wal_comes_back(path: Path, clock: Clock, offset: int) -> None:
    big_log(path, 801, wal=True)
    overwrite(path.with_name("trayalert.db-wal"), offset, b"\xff" * 16)
    async with running_scheduler(path, clock) as (inbox, _):
        await until(lambda: any("of 801 callbacks" in sentence for sentence in inbox.log_state.news), deadline=20)
    assert count(path) > 750  # all callbacks except those on one page


@pytest.mark.parametrize("ends", [[0], [-1], [-2, -1], [0, 1, -1]], ids=str)
async def test_what_is_gone_at_the_ends_of_a_log_is_counted_too(path: Path, clock: Clock, ends: list[int]) -> None:
    big_log(path, 401)
    pages = leaves(path)
    gone = 0
    for end in ends:
        page = path.read_bytes()[(pages[end] - 1) * PAGE :]
        gone += int.from_bytes(page[3:5], "big")
        overwrite(path, (pages[end] - 1) * PAGE, bytes(PAGE))
    async with running_scheduler(path, clock) as (inbox, _):
        expected = f"{401 - gone} of 401 callbacks of the former log were salvaged; {gone} missing"
        await until(lambda: any(expected in sentence for sentence in inbox.log_state.news), deadline=20)


async def test_what_came_of_a_salvage_is_told_again_after_a_restart_for_a_day(path: Path, clock: Clock) -> None:
    big_log(path, 101)
    overwrite(path, 0, bytes(100))
    async with running_scheduler(path, clock) as (inbox, _):
        await until(lambda: any("101 of 101" in sentence for sentence in inbox.log_state.news), deadline=20)
    async with running_scheduler(path, clock) as (inbox, _):
        await until(lambda: any("101 of 101" in sentence for sentence in inbox.log_state.news), deadline=20)
    clock.pass_(DAY)
    async with running_scheduler(path, clock) as (inbox, _):
        await some_turns(clock)
        assert inbox.log_state.news == ()


async def test_what_was_refused_is_told_when_it_is_over(path: Path, clock: Clock) -> None:
    async with running_scheduler(path, clock) as (inbox, _):
        with locked(path):
            assert not await inbox.receive(callback("i-1"))
            assert not await inbox.receive(callback("i-2"))
        await until(lambda: inbox.log_state.storing)
        assert await inbox.receive(callback("i-3"))
        (news,) = inbox.log_state.news
    assert "2 callbacks were refused (503)" in news


async def test_what_was_cut_short_goes_on_at_the_next_start(path: Path, clock: Clock) -> None:
    big_log(path, 801)
    overwrite(path, 0, bytes(100))
    async with running_scheduler(path, clock):
        await until(lambda: count(path) > 100, deadline=20)
    assert count(path) < 801
    async with running_scheduler(path, clock) as (inbox, _):
        await until(lambda: any("801 of 801" in sentence for sentence in inbox.log_state.news), deadline=20)
    assert count(path) == 801


async def test_the_first_backup_comes_after_two_minutes_and_then_one_a_day(path: Path, clock: Clock) -> None:
    async with running_scheduler(path, clock, Settings(backups=2)) as (inbox, _):
        await inbox.receive(callback(at=clock.now))
        clock.pass_(MINUTE)
        await asyncio.sleep(0)
        assert list_backups(path) == []
        for day in range(4):
            clock.pass_(2 * MINUTE if day == 0 else DAY)
            expected = clock.now // 1000 * 1000
            await until(lambda expected=expected: [b.made_at for b in list_backups(path)][:1] == [expected])  # type: ignore[misc]
            clock.pass_(90 * MINUTE)
        await until(lambda: len(list_backups(path)) == 2)


async def test_a_backup_that_fails_is_told_until_one_is_made(path: Path, clock: Clock) -> None:
    async with running_scheduler(path, clock) as (inbox, scheduler):
        await inbox.receive(callback())
        path.with_name("backups").write_bytes(b"a file where the folder should be")
        with pytest.raises(LogFault):
            await scheduler.back_up()
        assert any("no backup" in problem for problem in inbox.log_state.problems)
        path.with_name("backups").unlink()
        await scheduler.back_up()
        assert inbox.log_state.problems == ()


async def test_a_backup_that_failed_is_tried_again_within_minutes(path: Path, clock: Clock) -> None:
    async with running_scheduler(path, clock) as (inbox, scheduler):
        await inbox.receive(callback(at=clock.now))
        await scheduler.back_up()
        clock.pass_(10 * MINUTE)
        path.with_name("backups").rename(path.with_name("backups-before"))
        path.with_name("backups").write_bytes(b"a file where the folder should be")
        with pytest.raises(LogFault):
            await scheduler.back_up()
        path.with_name("backups").unlink()
        path.with_name("backups-before").rename(path.with_name("backups"))
        clock.pass_(2 * MINUTE)
        await until(lambda: inbox.log_state.problems == ())
        assert len(list_backups(path)) == 2


async def test_two_backups_at_once_are_made_one_after_the_other(path: Path, clock: Clock) -> None:
    async with running_scheduler(path, clock) as (inbox, scheduler):
        await inbox.receive(callback())
        first, second = await asyncio.gather(scheduler.back_up(), scheduler.back_up())
        assert first.path == second.path
        assert len(list_backups(path)) == 1


async def test_what_is_too_old_goes_and_what_burns_stays(path: Path, clock: Clock) -> None:
    store(path, *[append(f"i-{number}", at=NOON + number) for number in range(5)])
    store(path, *[Resolve(number, NOON + MINUTE) for number in range(2, 6)])
    async with running_scheduler(path, clock) as (inbox, _):
        await inbox.receive(callback("live", at=clock.now))
        clock.pass_(9 * MINUTE)
        await asyncio.sleep(0.05)
        assert count(path) == 6
        clock.pass_(2 * MINUTE)
        await until(lambda: count(path) == 2)
    assert rows(path, "SELECT resource_id FROM alert ORDER BY id") == [("i-0",), ("live",)]
    assert rows(path, "SELECT id FROM incident ORDER BY id") == [(1,), (6,)]


async def test_a_clock_that_jumped_closes_nothing_and_is_told(path: Path, clock: Clock) -> None:
    async with running_scheduler(path, clock) as (inbox, _):
        await some_turns(clock)  # a jump is noticed only relative to an earlier time
        clock.pass_(15 * MINUTE)
        await inbox.receive(raw_callback(b"who knows", came=clock.now))
        clock.now += 3 * DAY  # the ticks do not jump with the wall clock
        await until(lambda: any("was set forward by 3 d" in sentence for sentence in inbox.log_state.news))
        clock.pass_(MINUTE)
        await some_turns(clock)
        assert rows(path, "SELECT closed_at FROM incident") == [(None,)]
        clock.now -= 3 * DAY
        await until(lambda: any("was set back by 3 d" in sentence for sentence in inbox.log_state.news))
        clock.pass_(2 * DAY)
        await until(lambda: rows(path, "SELECT closed_by FROM incident") == [("expired",)])


async def test_a_clock_that_is_wrong_from_the_start_closes_nothing(path: Path, clock: Clock) -> None:
    store(path, read(raw_callback(b"who knows", came=clock.now)))
    clock.now += 40 * DAY
    async with running_scheduler(path, clock):
        await some_turns(clock)
        clock.pass_(15 * MINUTE)
        await some_turns(clock)

    assert rows(path, "SELECT closed_at FROM incident") == [(None,)]


async def test_a_clock_that_is_behind_the_newest_callback_is_told(path: Path, clock: Clock) -> None:
    store(path, append(at=clock.now))
    clock.now -= DAY
    async with running_scheduler(path, clock) as (inbox, _):
        await until(lambda: any("the computer's clock is wrong" in problem for problem in inbox.log_state.problems))
        clock.now += DAY
        await until(lambda: inbox.log_state.problems == ())


async def test_a_clock_that_runs_away_deletes_nothing(path: Path, clock: Clock) -> None:
    clock.now = NOON + DAY
    store(path, append("i-1"), append("i-1", at=NOON + 1, alertState="OK"))
    async with running_scheduler(path, clock):
        clock.pass_(60 * MINUTE)
        await asyncio.sleep(0.05)
        clock.now += 1000 * DAY
        for _ in range(4):
            clock.pass_(5 * 60 * MINUTE)
            await asyncio.sleep(0.05)
        assert count(path) == 2
        clock.pass_(10 * 60 * MINUTE)  # a whole day has passed since the jump, and the clock still shows the later date
        await until(lambda: count(path) == 0)


async def test_a_log_that_is_too_big_loses_its_oldest_and_its_file_gets_smaller(path: Path, clock: Clock) -> None:
    clock.now = NOON + DAY
    big_log(path, 2500, long=2)
    store(path, *[Resolve(number, NOON + DAY) for number in range(1, 99)])
    before = path.stat().st_size
    assert before > 10 << 20
    async with running_scheduler(path, clock, Settings(keep_megabytes=8)):
        clock.pass_(11 * MINUTE)
        await until(lambda: count(path) < 2000, deadline=20)
        await until(lambda: rows(path, "PRAGMA freelist_count")[0][0] < 300, deadline=20)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < before * 0.75
    kept = [number for (number,) in rows(path, "SELECT id FROM delivery ORDER BY id")]
    assert kept == list(range(kept[0], 2501))


async def test_a_log_that_is_too_big_gets_smaller_at_once_as_that_asks_no_clock(path: Path, clock: Clock) -> None:
    big_log(path, 2500, long=2)
    store(path, *[Resolve(number, NOON + DAY) for number in range(1, 99)])
    async with running_scheduler(path, clock, Settings(keep_megabytes=8)):
        await until(lambda: count(path) < 2000, deadline=20)


async def test_what_a_log_held_that_another_file_took_the_place_of_comes_back(path: Path, clock: Clock) -> None:
    other = path.with_name("other")
    other.write_bytes(b"no log at all\n" * 1000)
    async with running_scheduler(path, clock) as (inbox, _):
        assert await inbox.receive(callback("i-1", at=clock.now))
        other.rename(path)
        assert await inbox.receive(callback("i-2", at=clock.now))
        await until(lambda: count(path) == 2)
    assert sorted(rows(path, "SELECT resource_id FROM alert")) == [("i-1",), ("i-2",)]
    assert len({number for (number,) in rows(path, "SELECT id FROM alert")}) == 2


async def test_a_bug_in_the_keeping_stops_neither_it_nor_the_receiver(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_scheduler(path, clock) as (inbox, _):
        clock.now = None  # type: ignore[assignment]  # makes the scheduler raise, as a bug would
        await until(lambda: "the log's keeping failed" in caplog.text)
        assert await inbox.receive(callback())
