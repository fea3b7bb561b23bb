"""The states of the log's file, and what is remembered from one state to the next."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.storage.making import append, locked, rows, store, until, verifying
from trayalert.domain.phrase import Phrase, phrase_to_text
from trayalert.storage.companion_files import quarantine_of
from trayalert.storage.faults import DamagedLog, LockedLog, LogFault
from trayalert.storage.file.log_file import LogFile, LogFileTiming
from trayalert.storage.recovery.quarantine import read_reason
from trayalert.storage.writer.salvage import read_salvages


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    store(folder / "trayalert.db", append("i-1"))
    return folder / "trayalert.db"


@pytest.fixture
def log(path: Path) -> Iterator[LogFile]:
    log = LogFile(path, recover=True, timing=LogFileTiming(retry_interval=0.0, busy_timeout=0.001))
    yield log
    log.close()


@contextmanager
def reading_elsewhere(path: Path) -> Iterator[None]:
    """Another program reads the content of the `-wal`, which prevents SQLite from emptying it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("UPDATE numbering SET incident = incident + 1")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM alert").fetchall()
        yield


def test_a_file_closed_after_a_fault_is_synced_whole_however_often_its_opening_fails(path: Path, log: LogFile) -> None:
    log.ensure_open()
    log.close_after_fault()
    log.close()

    with reading_elsewhere(path):
        for _ in range(2):
            with pytest.raises(LockedLog, match="synced anew"):
                log.ensure_open()
    with locked(path), pytest.raises(LockedLog, match="locked"):
        log.ensure_open()
    with reading_elsewhere(path), pytest.raises(LockedLog, match="synced anew"):
        log.ensure_open()
    log.ensure_open()  # the other program no longer reads, so the whole file can be synced
    log.close()
    with reading_elsewhere(path):
        log.ensure_open()


async def test_a_verification_that_is_wanted_while_one_goes_on_follows_it(log: LogFile) -> None:
    log.ensure_open()
    assert log.verifying
    log.verify()
    await until(lambda: not verifying())
    log.ensure_open()
    assert log.verifying
    await until(lambda: not verifying())
    log.ensure_open()
    assert not log.verifying


def test_a_closed_file_is_not_verified_and_has_no_connection(log: LogFile) -> None:
    log.ensure_open()
    log.close()
    log.verify()

    assert not log.verifying
    with pytest.raises(LogFault, match="is not open"):
        log.connection.execute("SELECT 1")


def test_a_file_whose_content_cannot_be_saved_stays_open(path: Path, log: LogFile) -> None:
    log.ensure_open()
    while path.parent.exists():  # the thread of the verification may create a `-shm` in the folder meanwhile
        shutil.rmtree(path.parent, ignore_errors=True)
    with pytest.raises(LogFault, match="Do not end trayalert"):
        log.ensure_open()
    assert log.connection.execute("SELECT resource_id FROM alert").fetchall() == [("i-1",)]

    path.parent.mkdir()
    log.ensure_open()
    assert rows(path, "SELECT resource_id FROM alert") == [("i-1",)]


def test_the_last_fault_is_raised_again_until_the_next_try(path: Path) -> None:
    log = LogFile(path, recover=True, timing=LogFileTiming(retry_interval=3600.0))
    with locked(path), pytest.raises(LockedLog, match="locked"):
        log.ensure_open()
    with pytest.raises(LockedLog, match="locked"):
        log.ensure_open()


def test_a_damaged_file_that_is_to_be_left_alone_stays_open(path: Path) -> None:
    log = LogFile(path, recover=False)
    log.ensure_open()
    with pytest.raises(DamagedLog):
        log.replace_damaged(DamagedLog(path, "a commit found it"))
    assert log.connection.execute("SELECT resource_id FROM alert").fetchall() == [("i-1",)]
    log.close()
    assert not quarantine_of(path).exists()


def test_why_a_log_was_moved_aside_can_be_translated_although_the_text_file_is_english(
    log: LogFile, path: Path
) -> None:
    reason = Phrase("damage in it was found: {damage}", damage="page 3")
    log.ensure_open()
    log.replace_damaged(DamagedLog(path, reason))
    (salvage,) = read_salvages(path)
    assert phrase_to_text(salvage.why) == phrase_to_text(reason)
    assert read_reason(quarantine_of(path) / salvage.folder) == reason
