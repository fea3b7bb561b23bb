"""The log's schema, which has a single step. The step is edited in place until the first release, and frozen then."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.making import append, keep_raw, rows, store
from trayalert.callbacks.kinds import read_callback
from trayalert.storage.faults import LogFault, NoLog, OtherVersion
from trayalert.storage.reader import Reader
from trayalert.storage.recovery.backups import check_backup, copy_log, make_backup
from trayalert.storage.recovery.integrity_check import check_log
from trayalert.storage.schema import SCHEMA_DIGEST, STEPS, migrate, schema_version
from trayalert.storage.writer.writer import Writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def shape(path: Path) -> list[tuple[str, str]]:
    return [
        (name, " ".join(sql.split()))
        for name, sql in rows(path, "SELECT name, sql FROM sqlite_master WHERE sql NOT NULL ORDER BY 1")
    ]


def test_opening_again_takes_no_step(path: Path) -> None:
    store(path, append())
    before = rows(path, "PRAGMA schema_version")

    store(path, append("i-2"))

    assert rows(path, "PRAGMA schema_version") == before


OPENERS: dict[str, Callable[[Path], object]] = {
    "read": Reader,
    "write": lambda path: Writer(path, read=read_callback, keep_raw=keep_raw),
    "write, patiently": lambda path: Writer(path, read=read_callback, keep_raw=keep_raw, recover=True),
    "copy": lambda path: copy_log(path, path.with_name("copy.db")),
}


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(sql)


def refused(path: Path, opener: str) -> str:
    """Check that the file is refused and left unchanged in its place. Return the sentence of the refusal."""
    before = shape(path), path.stat().st_ino
    with pytest.raises(OtherVersion) as fault:
        OPENERS[opener](path)
    assert not isinstance(fault.value, NoLog)
    assert (shape(path), path.stat().st_ino) == before
    assert not list(path.parent.glob("quarantine*"))
    assert check_log(path).problems == (str(fault.value),)
    assert not check_log(path).damaged
    return str(fault.value)


@pytest.mark.parametrize("opener", OPENERS)
def test_a_newer_file_is_refused_with_a_sentence_and_kept(path: Path, opener: str) -> None:
    store(path, append())
    change(path, "ALTER TABLE alert ADD COLUMN mood TEXT; PRAGMA user_version = 99")

    assert refused(path, opener) == (
        f"the log is of version 99, this trayalert knows versions up to {len(STEPS)}: it was written by a newer "
        "trayalert. Install that one again, or use another --data-dir."
    )


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize(
    "earlier",
    [
        f"PRAGMA application_id = {SCHEMA_DIGEST ^ 1}",
        "PRAGMA application_id = 0",
        "PRAGMA application_id = 0; PRAGMA user_version = 4",
    ],
    ids=["another digest", "no digest", "no digest, and four steps"],
)
def test_a_file_of_an_earlier_unreleased_schema_is_refused_with_a_sentence_and_kept(
    path: Path, opener: str, earlier: str
) -> None:
    store(path, append())
    change(path, earlier)

    assert refused(path, opener) == (
        f"This log was made by an earlier unreleased trayalert. Start with another --data-dir, or move {path} away."
    )


def test_neither_a_backup_is_made_of_a_log_of_another_version_nor_one_restored(path: Path) -> None:
    store(path, append())
    change(path, "PRAGMA application_id = 0; PRAGMA user_version = 4")

    with pytest.raises(LogFault) as fault:
        make_backup(path, keep=1, now=0)
    assert str(fault.value) == (
        f"no backup of the log could be made in {path.with_name('backups')}: This log was made by an earlier unreleased"
        f" trayalert. Start with another --data-dir, or move {path} away."
    )
    with pytest.raises(LogFault) as fault:
        check_backup(path)
    assert str(fault.value) == f"{path} cannot be used as a backup: another version of trayalert made it"


def test_a_changed_schema_has_another_digest(path: Path) -> None:
    store(path, append())

    assert rows(path, "PRAGMA application_id") == [(SCHEMA_DIGEST,)]
    assert 0 < SCHEMA_DIGEST < 2**31


NEXT = (*STEPS, "ALTER TABLE alert ADD COLUMN mood TEXT; CREATE TABLE diary (day TEXT)")


def test_a_next_step_is_taken_once(path: Path) -> None:
    store(path, append())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, steps=NEXT)
        migrate(connection, steps=NEXT)

        assert schema_version(connection) == len(NEXT)
        assert connection.execute("SELECT mood FROM alert").fetchall() == [(None,)]


def test_a_step_that_fails_half_way_leaves_the_old_version_usable(path: Path) -> None:
    store(path, append())
    before = shape(path)
    broken = (*NEXT[:-1], f"{NEXT[-1]}; INSERT INTO no_such_table VALUES (1); DROP TABLE alert")

    with closing(sqlite3.connect(path, isolation_level=None)) as connection, pytest.raises(sqlite3.Error):
        migrate(connection, steps=broken)

    assert shape(path) == before
    assert rows(path, "PRAGMA user_version") == [(len(STEPS),)]
    store(path, append("i-2"))
    assert rows(path, "SELECT count(*) FROM alert") == [(2,)]
