"""A backup takes the log's place, and no callback that was stored after the backup is lost."""

import stat
from pathlib import Path

import pytest

from tests.storage.damage import big_log, overwrite, overwrite_page
from tests.storage.making import NOON, append, rows, store, writing
from trayalert.domain.gap import GapCause
from trayalert.domain.phrase import Phrase, phrase_to_text
from trayalert.services.maintenance.salvage_job import salvage_offline
from trayalert.storage.companion_files import restored_of
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery import restore
from trayalert.storage.recovery.backups import make_backup
from trayalert.storage.recovery.quarantine import finish_move, quarantined_folders
from trayalert.storage.recovery.restore import restore_backup
from trayalert.storage.writer.gap_records import AddGap
from trayalert.storage.writer.salvage import read_salvages

CONTENT = "SELECT received_at, method, query, content_type, sender, secret, body FROM delivery ORDER BY id"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trayalert.db"
    big_log(path, 300)
    return path


@pytest.fixture
def backup(path: Path) -> Path:
    return make_backup(path, keep=7, now=NOON).path


def more(path: Path, count: int) -> None:
    store(path, *[append("later", at=NOON + 1_000_000 + number) for number in range(count)])


def test_a_damaged_log_gives_way_and_what_it_had_more_is_taken_over(path: Path, backup: Path) -> None:
    more(path, 20)
    before = rows(path, CONTENT)
    overwrite(path, 0, bytes(100))
    folder = restore_backup(path, backup, now=NOON)
    assert rows(path, CONTENT) == before[:300]
    salvage_offline(path, now=NOON)
    assert rows(path, CONTENT) == before
    assert rows(path, "SELECT salvaged, damaged, missing FROM salvage") == [(320, 0, 0)]
    assert folder is not None
    assert quarantined_folders(path) == [folder]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_gaps_that_are_newer_than_the_backup_do_not_come_back(path: Path, backup: Path) -> None:
    store(path, AddGap(cause=GapCause.OFF, began_at=NOON, ended_at=NOON + 1))

    restore_backup(path, backup, now=NOON)
    salvage_offline(path, now=NOON)

    assert rows(path, "SELECT count(*) FROM delivery") == [(300,)]
    assert rows(path, "SELECT count(*) FROM gap") == [(0,)]


def test_restoring_twice_doubles_nothing_though_the_numbers_are_others(path: Path, backup: Path) -> None:
    more(path, 20)
    before = rows(path, CONTENT)
    for _ in range(2):
        restore_backup(path, backup, now=NOON)
        salvage_offline(path, now=NOON)
    assert rows(path, CONTENT) == before
    assert len(quarantined_folders(path)) == 2


def test_no_number_of_the_former_log_is_given_again(path: Path, backup: Path) -> None:
    more(path, 20)
    restore_backup(path, backup, now=NOON)
    more(path, 1)
    assert rows(path, "SELECT max(id) FROM delivery") == [(321,)]


def test_another_database_beside_the_log_gives_no_numbers(path: Path, backup: Path) -> None:
    for name in ("a.db", "z.db"):
        store(path.with_name(name), append("of another log"))
    test_no_number_of_the_former_log_is_given_again(path, backup)


def test_a_damaged_backup_changes_nothing(path: Path, backup: Path) -> None:
    overwrite_page(backup, 20)
    before = path.read_bytes()
    with pytest.raises(LogFault, match="damaged"):
        restore_backup(path, backup, now=NOON)
    assert path.read_bytes() == before
    assert quarantined_folders(path) == []


def test_a_backup_is_restored_where_there_is_no_log(path: Path, backup: Path) -> None:
    path.unlink()
    assert restore_backup(path, backup, now=NOON) is None
    assert rows(path, "SELECT count(*) FROM delivery") == [(300,)]


@pytest.mark.parametrize("step", ["copy_log", "migrate", "sync_file", "sync_folder", "move_aside", "finish_move"])
def test_a_kill_at_any_step_leaves_a_whole_log_and_loses_nothing(
    path: Path, backup: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    calls = []

    def die(*_: object, **__: object) -> None:
        calls.append(step)
        if step != "finish_move" or len(calls) == 2:  # `finish_move` is called first of all, and again at the end
            raise Killed

    more(path, 20)
    before = rows(path, CONTENT)
    monkeypatch.setattr(restore, step, die)
    with pytest.raises(Killed):
        restore_backup(path, backup, now=NOON)
    monkeypatch.undo()
    finish_move(path)  # as the next start does
    assert rows(path, CONTENT)[:300] == before[:300]
    assert not restored_of(path).exists()
    salvage_offline(path, now=NOON)
    with writing(path):
        pass
    assert rows(path, CONTENT) == before


def test_why_the_former_log_was_moved_aside_can_be_translated(path: Path, backup: Path) -> None:
    restore_backup(path, backup, now=NOON)
    salvage_offline(path, now=NOON)
    (salvage,) = read_salvages(path)
    assert phrase_to_text(salvage.why) == phrase_to_text(Phrase("a backup was restored in its place"))
