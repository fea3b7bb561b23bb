"""The oldest deliveries are deleted, a few at a time. Open incidents stay, as does everything that they depend on."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.damage import big_log
from tests.storage.making import MINUTE, NOON, append, raw_callback, read, reading, rows, store, writing
from trayalert.storage.faults import LogFault
from trayalert.storage.writer.incident_closure import Resolve
from trayalert.storage.writer.retention import (
    BATCH_SIZE,
    Retire,
    Shrink,
    exceeds_limit,
    log_size,
    needs_vacuum,
    next_deliveries,
)

LATER = NOON + 1000 * MINUTE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def retire(path: Path, *, before: int) -> None:
    after = 0
    with writing(path) as log:
        while ids := next_deliveries(path, before=before, after=after):
            (result,) = log.commit([Retire(ids)])
            assert not isinstance(result, Exception), result
            after = ids[-1]


def left(path: Path) -> tuple[list[int], list[int], list[int]]:
    return tuple(
        [number for (number,) in rows(path, f"SELECT id FROM {it} ORDER BY id")]
        for it in ("delivery", "alert", "incident")
    )  # type: ignore[return-value]


def test_an_old_incident_that_is_over_goes_with_all_that_belongs_to_it(path: Path) -> None:
    store(
        path,
        append("i-1"),
        append("i-1"),
        append("i-1", at=NOON + MINUTE, alertState="OK"),
        append("i-2", at=LATER),
        append("i-2", at=LATER + MINUTE, alertState="OK"),
    )
    retire(path, before=LATER)
    assert left(path) == ([4, 5], [3, 4], [2])


def test_an_open_incident_keeps_its_alerts_and_their_retries_however_old(path: Path) -> None:
    store(path, append("i-1"), append("i-1"), append("i-1", at=NOON + MINUTE), append("i-2", at=LATER))
    retire(path, before=LATER)
    assert left(path) == ([1, 2, 3, 4], [1, 2, 3], [1, 2])


def test_the_alert_that_stands_for_an_incident_stays_as_long_as_the_incident(path: Path) -> None:
    store(
        path,
        append("i-1", at=NOON + 10 * MINUTE, came=NOON),
        append("i-1", at=NOON + 11 * MINUTE, came=NOON, alertState="OK"),
        append("i-1", at=NOON + MINUTE, came=LATER),
    )
    retire(path, before=LATER)
    assert left(path) == ([2, 3], [2, 3], [1])
    with reading(path) as reader:
        assert [it.alert.id for it in reader.every_incident()] == [2]
    retire(path, before=LATER + 1)
    assert left(path) == ([], [], [])


def test_a_test_callback_and_what_nobody_could_read_go_too(path: Path) -> None:
    store(path, read(raw_callback(b"")), read(raw_callback(b"what is this")), Resolve(1, LATER))
    retire(path, before=LATER)
    assert left(path) == ([], [], [])


def test_no_number_is_given_twice_though_the_newest_went(path: Path) -> None:
    store(path, append("i-1"), append("i-1", at=NOON + MINUTE, alertState="OK"))
    retire(path, before=LATER)
    store(path, append("i-2", at=LATER))
    assert left(path) == ([3], [3], [2])
    assert rows(path, "SELECT thinned FROM numbering") == [(2,)]


def test_a_log_that_is_too_big_is_brought_down_and_its_file_shrinks(path: Path) -> None:
    big_log(path, 3000)
    before = path.stat().st_size
    limit = log_size(path).used // 2 / 1_048_576
    after, steps = 0, 0
    with writing(path) as log:
        log.commit([Resolve(number, LATER) for number in range(1, 98)])
        while exceeds_limit(log_size(path), megabytes=limit, shrinking=True):  # type: ignore[arg-type]
            ids = next_deliveries(path, after=after)
            assert 0 < len(ids) <= BATCH_SIZE
            log.commit([Retire(ids)])
            after, steps = ids[-1], steps + 1
        assert steps > 5
        while needs_vacuum(log_size(path)):
            log.commit([Shrink()])
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < before * 0.7
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    kept = left(path)[0]
    assert kept == list(range(kept[0], 3001))


def test_a_log_that_is_not_there_is_a_fault_and_no_crash(path: Path) -> None:
    with pytest.raises(LogFault):
        log_size(path)


def test_of_large_callbacks_no_more_go_than_must(path: Path) -> None:
    bodies = [b"%d" % number * 500_000 for number in range(10, 26)]
    store(path, *(read(raw_callback(body)) for body in bodies), *(Resolve(number, LATER) for number in range(1, 17)))
    after = 0
    with writing(path) as log:
        while exceeds_limit(log_size(path), megabytes=8, shrinking=True):
            going = next_deliveries(path, after=after)
            (result,) = log.commit([Retire(going)])
            assert not isinstance(result, Exception), result
            after = going[-1]

    assert left(path)[0] == list(range(11, 17))
