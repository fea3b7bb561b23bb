"""A callback that was answered with 200 is on disk."""

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.making import (
    IMPATIENT,
    append,
    callback,
    limit_pages,
    locked,
    open_log,
    raw_callback,
    read,
    rows,
    seen_connections,
    until,
    writing,
)
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.events import CallbackArrived, Event
from trayalert.domain.incident.alert import Alert
from trayalert.storage.faults import LogFault, NotStored
from trayalert.storage.file.opened_log import open_file
from trayalert.storage.log import LogTiming
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.writer import Writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


async def test_what_was_said_to_be_stored_is_seen_by_any_other_program_at_once(path: Path) -> None:
    async with open_log(path) as log:
        for number in range(1, 6):
            await log.run_job(append(f"i-{number}"))

            assert rows(path, "SELECT count(*) FROM delivery") == [(number,)]
            assert rows(path, "SELECT resource_id FROM alert ORDER BY id DESC LIMIT 1") == [(f"i-{number}",)]


def test_each_commit_is_synced(path: Path) -> None:
    with closing(open_file(path, busy_timeout=2).connection) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # the value 2 is FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_probe_writes_to_the_disk_and_changes_nothing(path: Path) -> None:
    with writing(path) as log:
        log.commit([append()])
        wal, numbering = Path(f"{path}-wal"), rows(path, "SELECT * FROM numbering")
        for _ in range(3):
            before = wal.stat().st_size
            assert log.probe()
            assert wal.stat().st_size > before
        assert rows(path, "SELECT * FROM numbering") == numbering


def test_the_connection_that_comes_after_a_fault_syncs_too(path: Path) -> None:
    with seen_connections() as connections, writing(path, timing=IMPATIENT) as log:
        with locked(path):
            assert isinstance(log.commit([append()])[0], NotStored)

        assert [one.execute("PRAGMA synchronous").fetchone() for one in connections[:1]] == [(2,)]


def test_nobody_else_can_read_the_files(path: Path) -> None:
    umask = os.umask(0)
    try:
        with writing(path) as log:
            log.commit([append()])
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(umask)

    assert modes == {path.name: 0o600, f"{path.name}-wal": 0o600, f"{path.name}-shm": 0o600}


async def test_a_lone_callback_goes_at_once(path: Path) -> None:
    async with open_log(path) as log:
        begun = asyncio.get_running_loop().time()
        await log.run_job(append())

        # there is no timer that waits for more callbacks; the disk may be slow
        assert asyncio.get_running_loop().time() - begun < 0.5


async def test_callbacks_that_come_together_share_a_transaction(path: Path) -> None:
    commits: list[str] = []
    with seen_connections() as connections:
        async with open_log(path) as log:
            connections[0].set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
            await asyncio.gather(*(log.run_job(append(f"i-{number}")) for number in range(1000)))

    assert rows(path, "SELECT count(*), count(DISTINCT resource_id) FROM alert") == [(1000, 1000)]
    assert 2 <= len(commits) <= 250


async def test_what_waits_is_written_when_the_log_closes(path: Path) -> None:
    async with open_log(path) as log:
        waiting = [asyncio.create_task(log.run_job(append(f"i-{number}"))) for number in range(50)]
        await asyncio.sleep(0)  # lets each task start
        await log.close()

        assert all(task.done() for task in waiting)
    assert rows(path, "SELECT count(*) FROM alert") == [(50,)]


async def test_closing_twice_is_closing_once(path: Path) -> None:
    async with open_log(path) as log:
        await log.run_job(append())
        await asyncio.gather(log.close(), log.close())
        await log.close()


async def test_a_closed_log_says_that_it_stores_nothing(path: Path) -> None:
    async with open_log(path) as log:
        await log.close()
        with pytest.raises(NotStored):
            await log.run_job(append())


async def test_events_are_announced_after_the_commit(path: Path) -> None:
    seen: list[tuple[Event, int]] = []

    def announce(events: list[Event]) -> None:
        (count,) = rows(path, "SELECT count(*) FROM delivery")[0]
        seen.extend((event, count) for event in events if isinstance(event, CallbackArrived))

    async with open_log(path, announce=announce) as log:
        await asyncio.gather(*(log.run_job(append(f"i-{number}")) for number in range(20)))
        await until(lambda: len(seen) == 20)

    assert all(count >= number for number, (_, count) in enumerate(seen, 1))


async def test_a_caller_that_leaves_does_not_stop_its_callback(path: Path) -> None:
    announced: list[Event] = []
    async with open_log(path, announce=announced.extend) as log:
        with locked(path):
            task = asyncio.create_task(log.run_job(append()))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await until(lambda: announced)

    assert rows(path, "SELECT count(*) FROM alert") == [(1,)]


async def test_a_locked_file_means_not_stored_and_heals(path: Path) -> None:
    async with open_log(path, timing=LogTiming(file=IMPATIENT)) as log:
        with locked(path), pytest.raises(NotStored, match="locked"):
            await log.run_job(append("i-1"))
        await log.run_job(append("i-2"))

    assert rows(path, "SELECT resource_id FROM alert") == [("i-2",)]


async def test_a_slow_disk_means_not_stored_in_time_and_what_comes_late_is_stored(path: Path) -> None:
    announced: list[Event] = []
    async with open_log(path, timing=LogTiming(deadline=0.05), announce=announced.extend) as log:
        with locked(path):
            results = await asyncio.gather(
                *(log.run_job(append(f"i-{number}")) for number in range(3)), return_exceptions=True
            )
        assert [str(result) for result in results] == ["the disk took longer than 0.05 s"] * 3
        assert all(isinstance(result, NotStored) for result in results)
        await until(lambda: announced)
        await log.run_job(append("i-1"))  # the retry that Cloud Monitor sends after the 503

    assert rows(path, "SELECT resource_id, deliveries FROM alert") == [("i-0", 1), ("i-1", 2), ("i-2", 1)]


async def test_a_full_queue_means_not_stored_and_the_rest_is_stored(path: Path) -> None:
    async with open_log(path, timing=LogTiming(deadline=30)) as log:
        with locked(path):
            tasks = [asyncio.create_task(log.run_job(append(f"i-{number}"))) for number in range(4196)]
            await until(lambda: sum(task.done() for task in tasks))
            refused = [task for task in tasks if task.done()]
        results = await asyncio.gather(*tasks, return_exceptions=True)

    assert len(refused) == 100
    assert sum(isinstance(result, NotStored) for result in results) == 100
    assert rows(path, "SELECT count(*) FROM alert") == [(4096,)]


async def test_an_unwritable_place_heals_when_it_comes_back(tmp_path: Path) -> None:
    """As with a removable disk or a network folder, for some time even opening the file again fails."""
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    path = here / "trayalert.db"
    async with open_log(path, timing=LogTiming(file=IMPATIENT)) as log:
        await log.run_job(append("i-1"))
        with locked(path):
            here.rename(elsewhere)
            for _ in range(3):
                with pytest.raises(NotStored):
                    await log.run_job(append("i-2"))
        elsewhere.rename(here)
        await until(lambda: log.state.storing)  # noticed without a commit
        await log.run_job(append("i-3"))

    assert rows(path, "SELECT resource_id FROM alert") == [("i-1",), ("i-3",)]


def test_a_full_disk_means_not_stored_and_heals(path: Path) -> None:
    with seen_connections() as connections, writing(path) as log:
        limit_pages(connections[0], more=0)
        large = read(raw_callback(b"x" * 60_000))

        (result,) = log.commit([large])
        assert isinstance(result, NotStored)
        assert "full" in str(result)
        limit_pages(connections[0], more=100)
        (result,) = log.commit([large])
        assert not isinstance(result, Exception)


async def test_the_writer_outlives_a_bug_of_ours(path: Path) -> None:
    def fail(_: Callback) -> tuple[Alert, ...]:
        raise ZeroDivisionError

    async with open_log(path, keep_raw=fail) as log:
        with pytest.raises(NotStored, match="ZeroDivisionError"):
            # without alerts, the callback cannot be stored, and `keep_raw`, which is tried next, fails, too
            await log.run_job(Append(callback("i-1"), ()))
        await log.run_job(append("i-2"))

    assert rows(path, "SELECT resource_id FROM alert") == [("i-2",)]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database, but long enough to be taken for one" * 100),
        lambda path: path.mkdir(),
        lambda path: path.parent.rmdir(),
    ],
    ids=["garbage", "folder", "no folder"],
)
def test_a_file_that_is_no_log_is_refused_with_a_sentence_and_kept(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "data" / "trayalert.db"
    path.parent.mkdir()
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(LogFault) as fault:
        Writer(path, read=read_callback, keep_raw=lambda _: ())

    assert str(fault.value).startswith(f"the log {path} cannot be ")
    assert str(fault.value).endswith((".", "?"))
    assert before is None or path.read_bytes() == before


def test_a_log_of_nobody_but_sqlite_is_whole(path: Path) -> None:
    with writing(path) as log:
        log.commit([append(f"i-{number}") for number in range(100)])

    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
