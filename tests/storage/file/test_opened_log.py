"""Whatever is in the log's place, callbacks are stored immediately, and nothing that was there is lost."""

import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.storage.making import NOON, append, open_log, reading, rows, store, until, verifying, writing
from trayalert.storage.companion_files import backups_of, quarantine_of
from trayalert.storage.faults import DamagedLog, LogFault, OtherVersion
from trayalert.storage.file.log_file import LogFile
from trayalert.storage.file.opened_log import open_file
from trayalert.storage.recovery.backups import make_backup
from trayalert.storage.recovery.integrity_check import check_log
from trayalert.storage.recovery.quarantine import move_aside, quarantined_folders
from trayalert.storage.schema import STEPS
from trayalert.storage.writer.salvage import FinishSalvage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def filled(path: Path, count: int = 400) -> Path:
    store(path, *(append(f"i-{number}") for number in range(count)))
    return path


def flip(path: Path, *, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * length)


def another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")


def emptied(path: Path) -> None:
    filled(path)
    os.truncate(path, 0)
    backups_of(path).mkdir()
    (backups_of(path) / "trayalert-1.db").touch()


def tables_gone(path: Path) -> None:
    filled(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE alert")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"no database, but long enough to be taken for one" * 100),
    "header": lambda path: flip(filled(path), start=0, length=100),
    "first page": lambda path: flip(filled(path), start=100, length=3000),
    "a page in the middle": lambda path: flip(filled(path), start=40 * 4096, length=4096),
    "truncated": lambda path: os.truncate(filled(path), 3 * 4096 + 100),
    "emptied": emptied,
    "another program's database": another_database,
    "tables gone": tables_gone,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_a_damaged_file_is_moved_aside_whole_and_callbacks_are_stored_at_once(
    path: Path, damage: Callable[[Path], object]
) -> None:
    damage(path)
    # with a `-wal`, as after a kill, the file is verified before it is used; after a clean end, only in the background
    Path(f"{path}-wal").write_bytes(b"\0")
    before = path.read_bytes()
    begun = time.monotonic()

    async with open_log(path) as log:
        await log.run_job(append("i-new"))
        assert time.monotonic() - begun < 2
        assert log.state.storing
        (news,) = log.state.news

    (folder,) = quarantine_of(path).iterdir()
    assert str(folder) in news
    assert (folder / path.name).read_bytes() == before
    assert rows(path, "SELECT resource_id FROM alert") == [("i-new",)]
    assert rows(path, "SELECT folder, finished_at, position FROM salvage") == [(folder.name, None, 0)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_damage_after_a_clean_end_is_found_behind_the_start(path: Path) -> None:
    filled(path)
    flip(path, start=40 * 4096, length=4096)

    async with open_log(path) as log:
        await until(lambda: not verifying())
        await log.run_job(append("i-new"))
        assert "was damaged" in log.state.news[0]

    assert rows(path, "SELECT resource_id FROM alert") == [("i-new",)]


async def test_what_a_former_log_held_counts_as_open_before_its_salvage_has_begun(path: Path) -> None:
    path.write_bytes(b"damaged" * 1000)
    for _ in range(2):  # the second run starts as after a kill during the salvage
        async with open_log(path) as log:
            assert log.state.salvaging
            with reading(path) as reader:
                assert reader.salvaging()
    async with open_log(path) as log:
        (folder,) = quarantined_folders(path)
        await log.run_job(FinishSalvage(folder.name, 0, 0, NOON))
        log.status.set_salvaging(salvaging=False)
        assert not log.state.salvaging
    async with open_log(path) as log:
        assert not log.state.salvaging
        with reading(path) as reader:
            assert not reader.salvaging()


async def test_a_log_that_is_gone_though_there_are_backups_of_it_is_told(path: Path) -> None:
    filled(path, 3)
    make_backup(path, keep=3, now=NOON)
    path.unlink()

    async with open_log(path) as log:
        await log.run_job(append("i-new"))
        assert "There was no log" in log.state.news[0]
        assert "trayalert restore" in log.state.news[0]
    async with open_log(path) as log:
        assert log.state.news == ()


async def test_no_number_is_given_twice_after_damage(path: Path) -> None:
    filled(path, 30)
    ((last,),) = rows(path, "SELECT max(id) FROM alert")
    flip(path, start=100, length=3000)

    async with open_log(path) as log:
        await log.run_job(append("i-new"))

    assert rows(path, "SELECT id FROM alert")[0][0] > last


def test_no_number_is_given_twice_though_a_kill_came_before_the_new_log_was_told_of_the_former_one(path: Path) -> None:
    filled(path, 5)
    move_aside(path, reason="damaged", now=NOON)
    open_file(path, busy_timeout=2).connection.close()  # a kill at this point
    store(path, append("i-9"))
    assert rows(path, "SELECT id FROM delivery") == [(6,)]
    assert rows(path, "SELECT count(*) FROM salvage") == [(1,)]


async def test_an_empty_file_where_there_was_no_log_is_a_new_one(path: Path) -> None:
    path.touch(mode=0o600)

    async with open_log(path) as log:
        await log.run_job(append())
        assert log.state.news == ()

    assert not quarantine_of(path).exists()


async def test_a_newer_file_is_refused_and_stays_as_it_was(path: Path) -> None:
    store(path, append())
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    before = path.read_bytes()

    with pytest.raises(OtherVersion, match="Install that one again"):
        async with open_log(path):
            pass

    assert path.read_bytes() == before
    assert not quarantine_of(path).exists()


def test_whoever_has_no_program_to_mend_it_leaves_a_damaged_file_alone(path: Path) -> None:
    DAMAGE["garbage"](path)

    with pytest.raises(DamagedLog, match="Start trayalert, which moves it aside"):
        store(path, append())

    assert not quarantine_of(path).exists()


def test_a_file_that_is_replaced_while_it_is_opened_is_not_taken_for_the_one_at_the_path(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = filled(path.with_name("other.db"), 3)
    filled(path, 2)
    connect = sqlite3.connect

    def connect_traced(*args: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **named)
        connection.set_trace_callback(lambda sql: sql == "BEGIN IMMEDIATE" and other.rename(path))
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_traced)
    with pytest.raises(LogFault, match="another file took the place"):
        open_file(path, busy_timeout=2)
    monkeypatch.undo()
    open_file(path, busy_timeout=2).connection.close()
    assert rows(path, "SELECT count(*) FROM delivery") == [(3,)]


@pytest.mark.parametrize("after_fault", [False, True])
def test_what_is_opened_after_a_fault_is_written_to_and_not_only_read(path: Path, after_fault: bool) -> None:
    filled(path, 2)
    numbering = rows(path, "SELECT * FROM numbering")
    os.utime(path, (1, 1))
    open_file(path, busy_timeout=2, after_fault=after_fault).connection.close()
    assert (path.stat().st_mtime != 1) is after_fault
    assert rows(path, "SELECT * FROM numbering") == numbering


def test_only_sqlite_opens_the_files_of_the_log_while_it_is_open(path: Path) -> None:
    """Closing any other descriptor of such a file would drop all locks that SQLite holds on the file."""
    opened: list[str] = []
    recording = True

    def record(event: str, arguments: tuple[Any, ...]) -> None:
        if recording and event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            opened.append(os.fsdecode(arguments[0]))

    store(path, append("i-0"))
    with writing(path, recover=True) as log:
        sys.addaudithook(record)  # a hook cannot be removed again
        for number in range(1, 10):
            log.commit([append(f"i-{number}")])
        log.maintain()
        log.verify()
        assert log.probe()
        with reading(path) as reader:
            assert len(list(reader.alerts(limit=None))) == 10
        assert check_log(path).problems == ()
        backup = make_backup(path, keep=7, now=NOON)
        log.maintain()
        recording = False

    assert any(name.startswith(str(backup.path.parent)) for name in opened)  # the hook is at work
    assert [name for name in opened if name in {f"{path}{suffix}" for suffix in ("", "-wal", "-shm")}] == []


def test_a_new_file_can_give_room_back(path: Path) -> None:
    with closing(open_file(path, busy_timeout=2).connection) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_a_log_that_was_put_there_by_hand_is_taken_from_the_eyes_of_others(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    store(path, append())
    path.chmod(0o644)
    with writing(path) as log:
        log.commit([append("i-2")])
        assert {found.stat().st_mode & 0o777 for found in tmp_path.glob("trayalert.db*")} == {0o600}


def test_a_damaged_letter_hides_no_row_and_stops_no_incident(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    store(path, append("i-1"), append("i-2"))
    content = path.read_bytes()
    path.write_bytes(
        content.replace(b"instanceId=i-1", b"instanceId=\xff-1").replace(
            b'{"instanceId":"i-1', b'{"instanceId":"\xff-1'
        )
    )
    path.write_bytes(path.read_bytes().replace(b"acs_ecs", b"acs_\xffcs"))
    with reading(path) as log:
        assert len(list(log.alerts(limit=None))) == 2
        assert len(log.open_incidents()) == 2
    assert any("are not what was written" in problem for problem in check_log(path).problems)
    with writing(path) as log:
        assert not any(isinstance(result, Exception) for result in log.commit([append("i-1", at=NOON + 1)]))
    with reading(path) as log:
        assert [alert.alert.kind for alert in log.alerts(limit=None)] == ["threshold"] * 3


def test_a_log_that_was_written_again_is_written_no_more_by_later_openings(path: Path) -> None:
    """On a disk that has become full, a write during the opening would fail before the reserve file can be freed."""
    store(path, append("i-1"))
    log = LogFile(path, recover=True)
    log.ensure_open()
    path.rename(path.with_name("moved.db"))
    log.ensure_open()  # the log is written again with all ids that it had
    log.close()

    log.ensure_open()
    assert log.connection.total_changes == 0
    path.with_name("trayalert.db-shm").unlink()
    log.ensure_open()
    assert log.connection.total_changes == 0
    log.close()
