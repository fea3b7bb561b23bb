"""A damaged log is moved into quarantine completely, and nothing of it is lost on the way."""

import errno
import os
import sqlite3
import stat
import time
from pathlib import Path

import pytest

from tests.storage.making import NOON, append, rows, store
from trayalert.storage.companion_files import quarantine_of, restored_of
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.quarantine import (
    finish_move,
    last_ids,
    move_aside,
    quarantined_folders,
    read_reason,
    unsalvaged_folders,
    write_salvage_result,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_and_its_wal_go_into_a_folder_of_their_own_and_say_why(path: Path) -> None:
    path.write_bytes(b"damaged")
    path.with_name("trayalert.db-wal").write_bytes(b"the newest rows")
    path.with_name("trayalert.db-shm").write_bytes(b"nothing of its own")
    old = os.umask(0)
    try:
        folder = move_aside(path, reason="its header is damaged", now=NOON)
    finally:
        os.umask(old)
    assert folder.name == "20260921T141320Z-1"
    assert (folder / "trayalert.db").read_bytes() == b"damaged"
    assert (folder / "trayalert.db-wal").read_bytes() == b"the newest rows"
    assert read_reason(folder) == "its header is damaged"
    assert not list(path.parent.glob("trayalert.db*"))
    assert {mode(folder), mode(folder.parent)} == {0o700}
    assert {mode(one) for one in folder.iterdir()} == {0o600}


def test_two_in_one_second_do_not_touch_each_other(path: Path) -> None:
    folders = []
    for content in (b"first", b"second"):
        path.write_bytes(content)
        folders.append(move_aside(path, reason="", now=NOON))
    assert [(folder / path.name).read_bytes() for folder in folders] == [b"first", b"second"]
    assert quarantined_folders(path) == folders


def test_where_it_cannot_be_moved_the_log_stays_and_a_sentence_says_so(path: Path) -> None:
    path.write_bytes(b"damaged")
    quarantine_of(path).write_bytes(b"a file where the folder should be")
    with pytest.raises(LogFault, match="cannot be moved aside"):
        move_aside(path, reason="", now=NOON)
    assert path.read_bytes() == b"damaged"


def test_a_move_that_was_cut_short_is_finished_before_sqlite_throws_the_wal_away(path: Path) -> None:
    path.write_bytes(b"damaged")
    folder = move_aside(path, reason="", now=NOON)
    wal = path.with_name("trayalert.db-wal")
    wal.write_bytes(b"the newest rows")
    finish_move(path)
    assert (folder / wal.name).read_bytes() == b"the newest rows"
    assert not wal.exists()


def test_a_wal_that_is_left_of_a_log_that_is_gone_is_kept_by_itself(path: Path) -> None:
    path.write_bytes(b"damaged")
    salvaged = move_aside(path, reason="", now=NOON)
    write_salvage_result(salvaged, "all of it is in the log")
    path.with_name("trayalert.db-wal").write_bytes(b"rows of another one")
    finish_move(path)
    (kept,) = (folder for folder in quarantine_of(path).iterdir() if folder != salvaged)
    assert (kept / "trayalert.db-wal").read_bytes() == b"rows of another one"
    assert not (salvaged / "trayalert.db-wal").exists()


def test_a_wal_whose_size_is_unknown_stops_the_opening(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `-wal` may contain callbacks, and SQLite would delete it when it opens a new log beside it."""
    path.with_name("trayalert.db-wal").write_bytes(b"callbacks")
    stat = Path.stat

    def fail(own: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if own.name.endswith("-wal"):
            raise OSError(errno.EIO, "Input/output error")
        return stat(own, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", fail)
    with pytest.raises(LogFault, match="Input/output error"):
        finish_move(path)


def test_a_log_that_is_there_is_left_alone(path: Path) -> None:
    path.write_bytes(b"old")
    move_aside(path, reason="", now=NOON)
    path.write_bytes(b"new")
    path.with_name("trayalert.db-wal").write_bytes(b"of the new one")
    restored_of(path).write_bytes(b"waits")
    finish_move(path)
    assert path.read_bytes() == b"new"
    assert path.with_name("trayalert.db-wal").read_bytes() == b"of the new one"


def test_a_restored_backup_that_waits_gets_its_place(path: Path) -> None:
    restored_of(path).write_bytes(b"restored")
    finish_move(path)
    assert path.read_bytes() == b"restored"
    assert not restored_of(path).exists()


def test_no_id_of_a_readable_file_is_given_again(path: Path) -> None:
    store(path, append("i-1"), append("i-1"), append("i-2"))
    with sqlite3.connect(path) as other:
        other.execute("UPDATE numbering SET incident = 70")
    other.close()
    folder = move_aside(path, reason="", now=NOON)
    assert last_ids(folder / path.name) == (3, 2, 70)
    assert {one.name for one in folder.iterdir()} == {path.name, "why.txt", "salvage.txt"}
    assert rows(folder / path.name, "SELECT count(*) FROM delivery") == [(3,)]


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_where_no_id_can_be_read_the_seconds_since_1970_are_above_all_of_them(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    folder = move_aside(path, reason="", now=NOON)
    assert all(number >= int(time.time()) - 5 for number in last_ids(folder / path.name))
    assert (folder / path.name).read_bytes() == content


def test_what_could_not_be_marked_on_a_full_disk_is_still_salvaged(path: Path) -> None:
    path.write_bytes(b"damaged")
    folder = move_aside(path, reason="its header is damaged", now=NOON)
    (folder / "salvage.txt").unlink()
    assert unsalvaged_folders(path) == [folder]
    write_salvage_result(folder, "3 of 3 came back.")
    assert unsalvaged_folders(path) == []
