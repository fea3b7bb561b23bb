"""A backup is complete, or it does not exist."""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.damage import big_log, overwrite_page
from tests.storage.making import NOON, append, rows, writing
from trayalert.storage.companion_files import backups_of
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.backups import check_backup, list_backups, make_backup, newest_backup

DAY = 86_400_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trayalert.db"
    big_log(path, 300)
    return path


def test_a_backup_of_a_log_in_use_is_one_plain_file_that_only_we_may_read(path: Path) -> None:
    with writing(path) as log:
        log.commit([append("in the wal", at=NOON + 1_000_000)])
        made = make_backup(path, keep=7, now=NOON)
    assert made.path.name == "trayalert-20260921T141320Z.db"
    assert check_backup(made.path) == (301, 301, 98)
    assert [one.name for one in backups_of(path).iterdir()] == [made.path.name]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(backups_of(path).stat().st_mode) == 0o700


def test_what_is_stored_while_it_is_made_neither_stops_nor_enters_it(path: Path) -> None:
    stored: list[object] = []
    with writing(path) as log:

        def store_one() -> None:
            stored.append(log.commit([append("meanwhile", at=NOON + 1_000_000 + len(stored))]))

        made = make_backup(path, keep=7, now=NOON, throttle=store_one, pages_per_step=5)
    assert len(stored) > 5
    assert check_backup(made.path)[0] == 300
    assert rows(path, "SELECT count(*) FROM delivery") == [(300 + len(stored),)]


def test_the_oldest_go_only_after_a_new_one_is_sound(path: Path) -> None:
    for day in range(4):
        make_backup(path, keep=3, now=NOON + day * DAY)
    made = [one.made_at for one in list_backups(path)]
    assert made == [NOON // 1000 * 1000 + day * DAY for day in (3, 2, 1)]
    overwrite_page(path, 20)
    with pytest.raises(LogFault, match="no backup of the log could be made"):
        make_backup(path, keep=3, now=NOON + 5 * DAY)
    assert [one.made_at for one in list_backups(path)] == made


def test_what_a_kill_left_half_made_is_cleared_away(path: Path) -> None:
    backups_of(path).mkdir()
    left = backups_of(path) / "trayalert-20260101T000000Z.db.part"
    left.write_bytes(b"half")
    assert newest_backup(path, now=NOON + 9 * DAY) is None
    make_backup(path, keep=3, now=NOON)
    assert not left.exists()


def test_a_disk_with_too_little_room_is_not_filled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(LogFault, match="Free some space"):
        make_backup(path, keep=3, now=NOON)
    assert list_backups(path) == []


def test_a_damaged_backup_and_a_file_of_something_else_are_told_apart_from_a_good_one(
    path: Path, tmp_path: Path
) -> None:
    made = make_backup(path, keep=3, now=NOON)
    overwrite_page(made.path, 20)
    with pytest.raises(LogFault, match="damaged"):
        check_backup(made.path)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(LogFault, match="no log"):
        check_backup(other)


def test_a_backup_with_a_flipped_byte_is_damaged(path: Path) -> None:
    made = make_backup(path, keep=3, now=NOON)
    content = bytearray(made.path.read_bytes())
    content[content.index(b"curValue=97.5") + 9] ^= 1
    made.path.write_bytes(content)

    with pytest.raises(LogFault, match="1 rows in it are not what was written"):
        check_backup(made.path)
    assert check_backup(made.path, digests=False)[0] == 300


def test_a_backup_that_a_clock_ahead_has_made_is_never_the_newest_and_is_the_first_to_go(path: Path) -> None:
    ahead = make_backup(path, keep=3, now=NOON + 365 * DAY)
    first = make_backup(path, keep=3, now=NOON)
    assert newest_backup(path, now=NOON) == first
    for day in (1, 2):
        make_backup(path, keep=3, now=NOON + day * DAY)

    assert not ahead.path.exists()
    assert len(list_backups(path)) == 3
