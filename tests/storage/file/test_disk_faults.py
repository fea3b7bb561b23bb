"""Faults of the disk while the log is open.

No acknowledged callback is lost, each fault is reported, and the log recovers without a restart.
"""

import asyncio
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.storage.damage import PAGE, big_log, leaves
from tests.storage.making import (
    HOUR,
    IMPATIENT,
    NOON,
    append,
    ids,
    limit_pages,
    locked,
    open_log,
    reading,
    rows,
    seen_connections,
    store,
    until,
    verifying,
    writing,
)
from trayalert.domain.events import Event, LogChanged
from trayalert.storage.companion_files import quarantine_of, reserve_file_of
from trayalert.storage.faults import NotStored
from trayalert.storage.file.disk_space import (
    RESERVE_SIZE,
    SCRATCH_SIZE,
    create_reserve_file,
    delete_reserve_file,
    disk_warning,
)
from trayalert.storage.file.log_file import LogFileTiming
from trayalert.storage.log import LogTiming
from trayalert.storage.recovery.quarantine import quarantined_folders


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


QUICK = LogTiming(first_maintenance=0.1, maintenance_interval=0.1, retry_interval=0.05)
"""Intervals that are much shorter than those of the program, so that no test waits for long."""


def whole(path: Path) -> bool:
    return rows(path, "PRAGMA integrity_check") == [("ok",)]


def resources(path: Path) -> list[str]:
    return [name for (name,) in rows(path, "SELECT resource_id FROM alert ORDER BY id")]


async def test_a_log_that_is_locked_at_the_start_is_told_and_opens_by_itself(path: Path) -> None:
    store(path, append("i-1"))
    events: list[Event] = []
    with locked(path) as other:
        async with open_log(path, announce=events.extend, timing=QUICK) as log:
            assert not log.state.storing
            assert "another program holds it locked" in log.state.problems[0]
            begun = time.monotonic()
            with pytest.raises(NotStored, match="locked"):
                await log.run_job(append("i-2"))
            assert time.monotonic() - begun < 1.5
            events.clear()
            other.execute("ROLLBACK")
            await until(lambda: log.state.storing)
            assert events == [LogChanged(log.state)]
            assert log.state.problems == ()
            await log.run_job(append("i-3"))

    assert resources(path) == ["i-1", "i-3"]


async def test_a_lock_that_comes_and_goes_is_told_and_heals(path: Path) -> None:
    async with open_log(path, timing=replace(QUICK, file=IMPATIENT)) as log:
        await log.run_job(append("i-1"))
        with locked(path):
            with pytest.raises(NotStored, match="locked"):
                await log.run_job(append("i-2"))
            assert not log.state.storing
        await until(lambda: log.state.storing)
        await log.run_job(append("i-3"))

    assert resources(path) == ["i-1", "i-3"]


@pytest.mark.parametrize("ends", [[""], ["", "-wal", "-shm"], ["-wal", ""]], ids=" ".join)
async def test_a_log_that_is_moved_away_keeps_what_it_has_and_is_written_again(path: Path, ends: list[str]) -> None:
    moved = path.with_name("moved.db")
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-1"))
        for end in ends:
            Path(f"{path}{end}").rename(f"{moved}{end}")
        await log.run_job(append("i-2"))
        assert log.state.storing
        assert log.state.new_file == 1
        assert f"was moved to {moved}" in log.state.news[0]

    assert (resources(moved), resources(path)) == (["i-1"], ["i-1", "i-2"])
    assert rows(path, "SELECT id FROM alert") == [(1,), (2,)]
    assert whole(path)
    assert whole(moved)


@pytest.mark.parametrize("ends", [[""], ["", "-wal", "-shm"]], ids=" ".join)
async def test_a_log_that_is_deleted_is_written_again(path: Path, ends: list[str]) -> None:
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-1"))
        for end in ends:
            Path(f"{path}{end}").unlink()
        await until(lambda: log.state.news)  # noticed without a commit
        assert "nothing is lost" in log.state.news[0]
        await log.run_job(append("i-2"))

    assert resources(path) == ["i-1", "i-2"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert whole(path)


async def test_a_log_that_is_deleted_while_it_has_another_name_is_written_again(path: Path) -> None:
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-1"))
        path.with_name("other name.db").hardlink_to(path)
        path.unlink()
        await log.run_job(append("i-2"))
        assert "nothing is lost" in log.state.news[0]

    assert resources(path) == ["i-1", "i-2"]


async def test_a_log_whose_whole_folder_was_deleted_is_written_again_when_there_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "trayalert.db"
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-1"))
        shutil.rmtree(folder)
        with pytest.raises(NotStored, match="Do not end trayalert"):
            await log.run_job(append("i-2"))
        folder.mkdir()
        await until(lambda: log.state.storing)
        await log.run_job(append("i-3"))

    assert resources(path) == ["i-1", "i-3"]


async def test_another_file_in_its_place_is_used_and_what_was_stored_is_kept(path: Path) -> None:
    backup = path.with_name("backup.db")
    store(backup, append("i-0"))
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-1"))
        backup.rename(path)
        await log.run_job(append("i-2"))
        assert log.state.new_file == 1

    (folder,) = quarantine_of(path).iterdir()
    assert resources(path) == ["i-0", "i-2"]
    assert resources(folder / path.name) == ["i-1"]
    assert whole(path)


async def test_the_wal_of_a_log_that_was_moved_away_never_gets_into_another(path: Path) -> None:
    """A reader prevents SQLite from emptying the `-wal`."""
    moved, backup = path.with_name("moved.db"), path.with_name("backup.db")
    store(backup, append("i-0"))
    async with open_log(path, timing=replace(QUICK, file=IMPATIENT)) as log:
        for number in range(3):
            await log.run_job(append(f"i-1{number}"))
        with reading(path) as reader:
            slow = reader.alerts(limit=None)
            next(slow)
            await log.run_job(append("i-2"))
            path.rename(moved)
            backup.rename(path)
            await log.run_job(append("i-3"))
            ids(slow)

    assert resources(path) == ["i-0", "i-3"]
    assert whole(path)
    assert resources(moved) == ["i-10", "i-11", "i-12", "i-2"]
    assert whole(moved)


async def test_a_wal_that_is_deleted_costs_nothing(path: Path) -> None:
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-1"))
        Path(f"{path}-wal").unlink()
        await log.run_job(append("i-2"))
        assert log.state.news == ()
        assert resources(path) == ["i-1", "i-2"]

    assert whole(path)


async def test_a_wal_that_is_deleted_while_somebody_reads_costs_nothing(path: Path) -> None:
    """The reader prevents SQLite from copying the content of the `-wal` into the log's file."""
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-1"))
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM alert").fetchall()
            for number in range(2, 6):
                await log.run_job(append(f"i-{number}"))
            Path(f"{path}-wal").unlink()
            await log.run_job(append("i-6"))
        assert "parted from its -wal" in log.state.news[0]
        assert resources(path) == [f"i-{number}" for number in range(1, 7)]

    assert resources(path) == [f"i-{number}" for number in range(1, 7)]
    assert whole(path)


async def test_an_older_file_that_is_copied_over_it_is_taken_for_what_it_is(path: Path) -> None:
    store(path, *(append(f"i-{number}") for number in range(20)))
    older = path.with_name("older.db")
    shutil.copyfile(path, older)
    store(path, *(append(f"i-{number}") for number in range(20, 300)))
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-before"))
        with path.open("r+b") as file:  # gives the same file another content, as cp does
            file.truncate(0)
            file.write(older.read_bytes())
        await log.run_job(append("i-after"))
        assert "another file was copied over it" in log.state.news[0]
        # the state must not look calm, because open incidents may be missing from this log
        assert log.state.salvaging
        assert log.state.storing

    assert resources(path) == ["i-after"]
    (kept,) = quarantined_folders(path)
    assert (kept / path.name).stat().st_size == older.stat().st_size


async def test_an_older_file_of_the_same_length_that_is_copied_over_it_is_looked_over(path: Path) -> None:
    store(path, *(append(f"i-{number}") for number in range(300)))
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("i-before"))
        await until(lambda: not verifying())
        older = bytearray(path.read_bytes())
        pages = leaves(path)[3:5]
        first, second = (slice((page - 1) * PAGE, page * PAGE) for page in pages)
        older[first], older[second] = older[second], older[first]  # each page is valid, but in the wrong place
        path.write_bytes(older)
        await log.run_job(append("i-after"))
        await until(lambda: any("was damaged" in sentence for sentence in log.state.news))


async def test_a_link_in_the_place_of_the_log_is_refused_and_costs_nothing(path: Path) -> None:
    elsewhere = path.with_name("elsewhere.db")
    async with open_log(path, timing=QUICK) as log:
        for number in range(5):
            await log.run_job(append(f"i-{number}"))
        path.rename(elsewhere)
        path.symlink_to(elsewhere.name)
        with pytest.raises(NotStored):
            await log.run_job(append("i-5"))
        assert not log.state.storing
        assert "a link was put in the place of the log" in log.state.problems[0]
        path.unlink()
        elsewhere.rename(path)
        await until(lambda: log.state.storing)
        await log.run_job(append("i-6"))

    assert resources(path) == [*(f"i-{number}" for number in range(5)), "i-6"]


def test_a_wal_that_grows_without_an_end_is_told(path: Path) -> None:
    assert disk_warning(path) is None
    with path.with_name(f"{path.name}-wal").open("wb") as file:
        file.truncate(65 << 20)
    assert "has grown to 65 MiB: another program reads the log" in str(disk_warning(path))


async def test_a_checkpoint_of_another_program_is_no_damage(path: Path) -> None:
    async with open_log(path, timing=QUICK) as log:
        for number in range(30):
            await log.run_job(append(f"i-{number}"))
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await log.run_job(append("i-after"))
        assert log.state.news == ()

    assert len(resources(path)) == 31


async def test_a_file_that_cannot_be_kept_leaves_no_part_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def no_room(target: Any, *args: Any, **named: Any) -> sqlite3.Connection:
        if quarantine_of(path) not in Path(target).parents:
            connection: sqlite3.Connection = connect(target, *args, **named)
            return connection
        target.write_bytes(b"a part")
        raise OSError(errno.ENOSPC, "No space left on device")

    async with open_log(path, timing=replace(QUICK, file=LogFileTiming(retry_interval=0.0))) as log:
        await log.run_job(append("i-1"))
        other = path.with_name("other.db")
        store(other, append("i-other"))
        with monkeypatch.context() as patched:
            patched.setattr(sqlite3, "connect", no_room)
            other.replace(path)
            for _ in range(2):
                with pytest.raises(NotStored):
                    await log.run_job(append("i-2"))
        assert quarantined_folders(path) == []
        await log.run_job(append("i-3"))

    assert len(quarantined_folders(path)) == 1


async def test_a_file_that_is_cut_short_while_it_is_open_is_moved_aside(path: Path) -> None:
    store(path, *(append(f"i-{number}") for number in range(400)))
    async with open_log(path, timing=QUICK) as log:
        os.truncate(path, 5 * 4096)
        await until(lambda: log.state.news)
        assert "was damaged" in log.state.news[0]
        await log.run_job(append("i-new"))
        assert log.state.storing

    assert resources(path) == ["i-new"]
    assert whole(path)


async def test_damage_that_a_commit_meets_costs_its_senders_nothing(path: Path) -> None:
    store(path, *(append(f"i-{number}") for number in range(400)))
    async with open_log(path) as log:  # the first maintenance, which checks the file, comes only after 5 s
        await until(lambda: not verifying())
        written_at = path.stat().st_mtime_ns
        _write_elsewhere(path)  # invalidates the writer's page cache, so that it must read all pages again
        await asyncio.to_thread(_overwrite_elsewhere, path, 5 * PAGE)
        # only the next commit can find the damage, because the file looks unchanged
        os.utime(path, ns=(written_at, written_at))
        await asyncio.gather(*(log.run_job(append(f"i-{number}", at=1_790_000_100_000)) for number in range(400)))
        assert "was damaged" in log.state.news[0]

    assert len(resources(path)) == 400
    assert whole(path)


async def test_a_slow_disk_is_told_until_it_is_fast_again(path: Path) -> None:
    async with open_log(path, timing=replace(QUICK, deadline=0.1)) as log:
        with locked(path) as other:
            with pytest.raises(NotStored, match="took longer"):
                await log.run_job(append("i-1"))
            assert not log.state.storing
            assert "the disk of the log is slow" in log.state.problems[0]
            other.execute("ROLLBACK")
            await until(lambda: log.state.storing)  # noticed without a commit

    assert resources(path) == ["i-1"]


async def test_the_ballast_is_laid_with_real_blocks_for_nobody_else_to_read(path: Path) -> None:
    async with open_log(path, timing=QUICK) as log:
        await until(reserve_file_of(path).exists)
        await until(lambda: reserve_file_of(path).stat().st_blocks * 512 >= RESERVE_SIZE)
        assert reserve_file_of(path).stat().st_mode & 0o777 == 0o600
        await log.run_job(append("i-1"))

    assert delete_reserve_file(path)
    assert not delete_reserve_file(path)


def test_a_disk_that_is_nearly_full_is_told_and_gets_no_ballast(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100 << 30, 0, 200 << 20))

    assert disk_warning(path) == (
        f"the disk of {path.parent} is nearly full: 200 MiB are free. Callbacks are still stored; free some space."
    )
    create_reserve_file(path)
    assert not reserve_file_of(path).exists()


async def test_parts_tell_problems_and_news_beside_the_writers(path: Path) -> None:
    events: list[Event] = []
    async with open_log(path, announce=events.extend, timing=QUICK) as log:
        log.status.set_problem("backup", "no backup could be made.")
        log.status.set_news("salvage", "3 of 4 came back.")
        log.status.set_news("salvage", "4 of 4 came back.")
        assert (log.state.problems, log.state.news) == (("no backup could be made.",), ("4 of 4 came back.",))
        assert log.state.storing
        log.status.set_problem("backup", None)
        log.status.set_problem("backup", None)
        assert log.state.problems == ()

    assert len(events) == 4


def test_a_full_disk_that_takes_one_row_more_is_not_called_healed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with seen_connections() as connections, writing(path) as log:
        (connection,) = connections
        log.commit([append("i-1")])
        limit_pages(connection, more=0)
        assert isinstance(log.commit([append("i-2", expression="x" * 50_000)])[0], NotStored)
        limit_pages(connection, more=1_000_000)
        with monkeypatch.context() as patched:
            patched.setattr(
                shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 30, 1 << 30, SCRATCH_SIZE - 1)
            )

            assert not isinstance(log.commit([append("i-3")])[0], Exception)
            log.maintain()
            assert "is full" in (log.state.problem or "")

        log.maintain()
        assert log.state.problem is None
        assert not path.with_name("scratch").exists()


async def test_a_disk_that_is_nearly_full_is_told_from_the_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100 << 30, 0, 200 << 20))
    async with open_log(path) as log:  # the first maintenance, which checks the disk, comes only after 5 s
        assert "is nearly full" in log.state.problems[0]
        assert log.state.storing


async def test_damage_amid_the_file_is_found_though_only_its_end_is_used(path: Path) -> None:
    big_log(path)
    async with open_log(path, timing=QUICK) as log:
        await log.run_job(append("live", at=NOON + HOUR))
        await until(lambda: not verifying())
        await until(reserve_file_of(path).exists)  # shows that the maintenance has run once
        await asyncio.to_thread(_overwrite_elsewhere, path, path.stat().st_size // 2 // PAGE * PAGE)
        await until(lambda: log.state.news)
        assert "was damaged" in log.state.news[0]
        assert log.state.storing


def _write_elsewhere(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE numbering SET delivery = delivery")
        other.commit()


def _overwrite_elsewhere(path: Path, offset: int) -> None:
    """Overwrite part of the file in another process.

    If this process closed a file descriptor of the file, SQLite's locks on the file would be dropped.
    """
    code = f"file = open({str(path)!r}, 'r+b'); file.seek({offset}); file.write(bytes({20 * PAGE}))"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_a_long_wal_is_given_back_to_the_disk_in_a_quiet_moment(path: Path) -> None:
    wal = Path(f"{path}-wal")
    async with open_log(path, timing=QUICK) as log:
        # one commit: after several, a `-wal` that became empty between two of them could stay short, which is no fault
        await log.run_job(append("i-1", fill="x" * 3_000_000))
        await until(lambda: wal.stat().st_size == 0, deadline=30)
    assert whole(path)
