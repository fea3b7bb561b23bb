"""The integrity check says in sentences what is wrong with a log, and finds no problem in a log without damage."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.damage import big_log, leaves, overwrite, overwrite_page
from tests.storage.making import MINUTE, NOON, append, keep_raw, writing
from trayalert.callbacks.kinds import read_callback
from trayalert.storage.faults import DamagedLog, LogFault
from trayalert.storage.reader import Reader
from trayalert.storage.recovery.backups import make_backup
from trayalert.storage.recovery.integrity_check import check_log
from trayalert.storage.recovery.quarantine import last_ids, move_aside
from trayalert.storage.writer.incident_closure import Resolve
from trayalert.storage.writer.retention import Retire, next_deliveries
from trayalert.storage.writer.writer import Writer


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "trayalert.db"
    big_log(path, 300)
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "trayalert.db"
    copy.write_bytes(sound.read_bytes())
    return copy


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(sql)


def test_a_sound_log_has_no_problem_while_it_is_in_use_and_after(path: Path) -> None:
    with writing(path) as log:
        log.commit([append("i-1", at=NOON + MINUTE), append("i-1", at=NOON + MINUTE)])
        assert check_log(path).problems == ()
    checked = check_log(path)
    assert checked.problems == ()
    assert checked.rows == {"delivery": 302, "alert": 301, "incident": 97}
    assert checked.undigested == 0


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE delivery SET sender = '::2' WHERE id = 7", "1 deliveries are not what was written: 7."),
        ("UPDATE alert SET name = 'x' WHERE id IN (8, 9)", "2 alerts are not what was written: 8, 9."),
        ("UPDATE incident SET level = 'INFO' WHERE id = 3", "1 incidents are not what was written: 3."),
        ("DELETE FROM delivery WHERE id = 5", "1 alerts without their delivery: 5."),
        ("DELETE FROM alert WHERE id = 300", "incidents without the alert that stands for them"),
        ("DELETE FROM alert WHERE id = 5", "incidents that count their alerts wrong"),
        ("DELETE FROM incident WHERE id = 4", "alerts without their incident"),
        ("UPDATE alert SET deliveries = 0 WHERE id = 6", "1 alerts that count their deliveries wrong: 6."),
    ],
)
def test_each_kind_of_wrong_is_found(path: Path, sql: str, problem: str) -> None:
    change(path, sql)
    assert problem in " ".join(check_log(path).problems)


def test_a_flipped_byte_that_sqlite_does_not_see_is_found(path: Path) -> None:
    at = path.read_bytes().index(b"alertState=ALERT", (leaves(path)[3] - 1) * 4096)
    overwrite(path, at, b"B")
    (problem,) = check_log(path).problems
    assert problem.startswith("1 deliveries are not what was written")


def test_rows_of_before_the_digests_are_counted_apart(path: Path) -> None:
    change(path, "UPDATE delivery SET digest = NULL WHERE id <= 10")
    checked = check_log(path)
    assert (checked.problems, checked.undigested) == ((), 10)


def test_what_retention_took_is_no_problem(path: Path) -> None:
    with writing(path) as log:
        log.commit([Resolve(number, NOON + 1_000_000) for number in range(1, 98)])
        log.commit([Retire(next_deliveries(path, after=0))])
    checked = check_log(path)
    assert checked.rows["delivery"] < 200
    assert checked.problems == ()


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_file_that_is_no_log_gives_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trayalert.db"
    path.write_bytes(content)
    assert len(check_log(path).problems) == 1


@pytest.mark.parametrize("seed", range(25))
def test_no_damage_makes_the_check_itself_fail(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    count = path.stat().st_size // 4096
    for _ in range(chance.randrange(1, 4)):
        overwrite_page(path, chance.randrange(2, count), seed=seed)
    for _ in range(50):
        overwrite(path, chance.randrange(100, path.stat().st_size), chance.randbytes(1))
    assert check_log(path).problems


def test_a_newer_log_and_one_that_may_not_be_read_are_not_called_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    assert "newer trayalert" in check_log(path).problems[0]
    assert not check_log(path).damaged
    path.unlink()
    assert not check_log(path).damaged
    path.write_bytes(b"no database" * 1000)
    assert check_log(path).damaged


def test_a_schema_that_is_no_text_any_more_is_damage_like_any_other(path: Path) -> None:
    """SQLite quotes the damaged schema in its error message, which Python fails to decode.

    Python then raises `UnicodeDecodeError` instead of a `sqlite3.Error`.
    """
    at = path.read_bytes().index(b"CREATE TABLE alert")
    overwrite(path, at, b"XX")
    overwrite(path, at - 1 - len("alertalert"), b"\xf4\xff\xfe")  # the name of the table
    with pytest.raises(UnicodeDecodeError), closing(sqlite3.connect(path)) as other:
        other.execute("SELECT 1 FROM delivery")
    assert check_log(path).problems
    with pytest.raises(LogFault):
        Reader(path).totals()
    with pytest.raises(LogFault):
        make_backup(path, keep=1, now=NOON)
    with pytest.raises(DamagedLog):
        Writer(path, read=read_callback, keep_raw=keep_raw)
    folder = move_aside(path, reason="", now=NOON)
    assert all(number > 300 for number in last_ids(folder / path.name))
