"""Readers of the log: their connection cannot write, and they see what is committed when they start to read."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.making import (
    MINUTE,
    NOON,
    append,
    ids,
    locked,
    raw_callback,
    read,
    reading,
    rows,
    seen_connections,
    store,
    writing,
)
from trayalert.domain.incident.alert import State
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.storage.faults import LogFault, NoLog
from trayalert.storage.reader import Reader
from trayalert.storage.rows import LARGEST_PARSED_BODY
from trayalert.storage.writer.incident_closure import Resolve


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


@pytest.fixture
def five(path: Path) -> Path:
    """A log with five alerts, each of another incident."""
    store(path, *(append(f"i-{number}", at=NOON + number) for number in range(1, 6)))
    return path


def test_alerts_come_newest_first(five: Path) -> None:
    with reading(five) as reader:
        assert ids(list(reader.alerts(limit=None))) == [5, 4, 3, 2, 1]
        assert ids(list(reader.alerts(limit=2))) == [5, 4]
        assert ids(list(reader.alerts(limit=0))) == []


def test_alerts_after_one_come_oldest_first(five: Path) -> None:
    with reading(five) as reader:
        assert ids(list(reader.alerts(limit=None, after=2))) == [3, 4, 5]
        assert ids(list(reader.alerts(limit=2, after=1))) == [2, 3]
        assert ids(list(reader.alerts(limit=9, after=5))) == []


def test_following_by_after_misses_none_and_repeats_none(path: Path) -> None:
    seen: list[int] = []
    with writing(path) as log, reading(path) as reader:
        for turn in range(7):
            log.commit([append(f"i-{turn}-{number}") for number in range(turn)])
            seen += ids(list(reader.alerts(limit=None, after=seen[-1] if seen else 0)))

    assert seen == list(range(1, 22))


def test_alerts_between_two_moments_have_the_first_and_not_the_last(five: Path) -> None:
    with reading(five) as reader:
        assert ids(list(reader.alerts_between(NOON + 2, NOON + 4))) == [2, 3]


def test_the_raw_bytes_come_only_where_asked_for(path: Path) -> None:
    store(path, read(raw_callback(b"\xff\x00 any bytes")))

    with reading(path) as reader:
        assert next(reader.alerts(limit=1)).raw is None
        assert next(reader.alerts(limit=1, raw=True)).raw == b"\xff\x00 any bytes"


@pytest.fixture
def named(path: Path) -> Path:
    names = ["磁盘使用率 100%", "disk_full", "diskXfull", "100 percent", "C:\\temp", 'it\'s "so"', "Ünïcode"]
    store(path, *(append(f"i-{number}", alertName=name, lastTime="5分钟") for number, name in enumerate(names, 1)))
    return path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("磁盘", [1]),
        ("使用率 1", [1]),
        ("100%", [1]),
        ("%", [1]),
        ("2F", []),
        ("alertName", []),
        ("k_f", [2]),
        ("DISK", [3, 2]),
        ("\\", [5]),
        ("\\t", [5]),
        ("it's", [6]),
        ('"so"', [6]),
        ("Ünï", [7]),
        ("5分钟", [7, 6, 5, 4, 3, 2, 1]),
        ("i-3", [3]),
        ("nothing of the kind", []),
        ("'; DROP TABLE alert; --", []),
        ("\ud800", []),
    ],
)
def test_search_takes_every_character_as_it_stands(named: Path, text: str, found: list[int]) -> None:
    with reading(named) as reader:
        assert ids(list(reader.alerts(limit=None, search=text))) == found


def test_search_goes_with_after_and_limit(five: Path) -> None:
    with reading(five) as reader:
        assert ids(list(reader.alerts(limit=2, after=1, search="i-"))) == [2, 3]
        assert ids(list(reader.alerts(limit=1, search="i-"))) == [5]


def test_an_endless_search_is_refused_with_a_sentence(five: Path) -> None:
    with reading(five) as reader, pytest.raises(LogFault, match="cannot be read"):
        list(reader.alerts(limit=1, search="x" * 100_000))


def test_closed_incidents_are_paged_without_gap_or_repeat(path: Path) -> None:
    alerts = [append(f"i-{number}") for number in range(25)]
    # four incidents are closed at the same time
    closings = [Resolve(number, NOON + number // 4 * MINUTE) for number in range(1, 25)]
    store(path, *alerts, *closings)

    seen: list[StoredIncident] = []
    with reading(path) as reader:
        while page := reader.closed_incidents(before=seen[-1] if seen else None, limit=5):
            assert len(page) <= 5
            seen += page

    moments = [(one.incident.closed_at or 0, one.incident.id) for one in seen]
    assert moments == sorted(moments, reverse=True)
    assert sorted(ids(seen)) == list(range(1, 25))


def test_what_burns_comes_worst_first_then_newest(path: Path) -> None:
    levels = ["WARN", "CRITICAL", "INFO", "CRITICAL", "WARN"]
    store(
        path, *(append(f"i-{number}", at=NOON + number, triggerLevel=level) for number, level in enumerate(levels, 1))
    )
    store(path, append("i-9", at=NOON + 9, triggerLevel="CRITICAL"), Resolve(6, NOON + 10))

    with reading(path) as reader:
        assert ids(reader.worst_open_incidents(limit=10)) == [4, 2, 5, 1, 3]
        assert ids(reader.worst_open_incidents(limit=3)) == [4, 2, 5]
        assert ids(reader.open_incidents()) == [5, 4, 3, 2, 1]
        assert ids(list(reader.every_incident())) == [6, 5, 4, 3, 2, 1]
        assert reader.open_levels() == {Level.WARN: 2, Level.CRITICAL: 2, Level.INFO: 1}


def test_incidents_are_found_by_number_however_many(path: Path) -> None:
    with writing(path) as log:
        log.commit([append(f"i-{number}") for number in range(1100)])

    with reading(path) as reader:
        assert sorted(ids(reader.incidents(list(range(1, 1101))))) == list(range(1, 1101))
        assert ids(reader.incidents([7, 5000])) == [7]
        assert reader.incidents([]) == []


def test_the_alerts_of_an_incident_come_newest_first(path: Path) -> None:
    store(path, append("i-1"), append("i-2"), append("i-1", at=NOON + 1), append("i-1", at=NOON + 2))

    with reading(path) as reader:
        assert ids(reader.alerts_of(1, limit=10)) == [4, 3, 1]
        assert ids(reader.alerts_of(1, limit=2)) == [4, 3]


def test_totals_count_deliveries_and_alerts_apart(path: Path) -> None:
    store(path, append(), append(came=NOON + 1), read(raw_callback(b"", came=NOON + 2)), read(raw_callback(b"?")))

    with reading(path) as reader:
        totals = reader.totals()
    assert (totals.deliveries, totals.alerts, totals.unrecognised, totals.open_incidents) == (4, 3, 1, 2)
    assert totals.last_callback_at == NOON


def test_every_field_comes_back_as_it_was_read(path: Path) -> None:
    job = append(
        "i-磁盘", instanceName="web-01/10.0.0.1", productGroupName="shop", regionId="cn-hangzhou", unit="%",
        expression="$Average>=95", preTriggerLevel="CRITICAL", curValue="1e3", lastTime="5分钟", transId="t-1",
    )  # fmt: skip
    store(path, job)

    with reading(path) as reader:
        assert next(reader.alerts(limit=1)).alert == job.alerts[0]


def test_a_reader_cannot_write(five: Path) -> None:
    with seen_connections(read_only=True) as connections, reading(five):
        for connection in connections:
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute("DELETE FROM alert")
    assert connections


def test_reading_goes_on_while_another_program_writes(five: Path) -> None:
    with locked(five) as other, reading(five) as reader:
        other.execute("DELETE FROM alert")
        assert ids(list(reader.alerts(limit=None))) == [5, 4, 3, 2, 1]


def test_a_slow_reader_sees_one_moment_and_stops_nobody(five: Path) -> None:
    with reading(five) as reader, writing(five) as log:
        slow = reader.alerts(limit=None, after=0)
        assert next(slow).id == 1
        assert not isinstance(log.commit([append("i-6")])[0], Exception)
        assert ids(list(slow)) == [2, 3, 4, 5]
    assert rows(five, "SELECT count(*) FROM alert") == [(6,)]


def test_a_file_that_is_not_there_is_no_log_yet_and_is_not_made(path: Path) -> None:
    with pytest.raises(NoLog):
        Reader(path)
    assert not path.exists()


def test_a_file_with_nothing_in_it_is_no_log_yet(path: Path) -> None:
    path.touch()

    with pytest.raises(NoLog):
        Reader(path)


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"garbage" * 999), lambda path: path.mkdir()])
def test_a_file_that_is_no_log_is_told_in_a_sentence(path: Path, spoil: object) -> None:
    spoil(path)  # type: ignore[operator]

    with pytest.raises(LogFault, match=f"the log {path} cannot be (read|used): "):
        Reader(path)


def test_a_log_that_lies_open_to_all_signs_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c#d%41&mode=rwc 磁盘"
    folder.mkdir()
    store(folder / "trayalert.db", append())

    with reading(folder / "trayalert.db") as reader:
        assert ids(list(reader.alerts(limit=1))) == [1]


def test_another_file_at_the_path_is_read_at_once(path: Path) -> None:
    other = path.with_name("other.db")
    store(path, append("i-1"))
    store(other, append("i-2"), append("i-3"))

    with reading(path) as reader:
        assert reader.totals().alerts == 1
        path.rename(path.with_name("moved.db"))
        with pytest.raises(NoLog):
            reader.totals()
        other.rename(path)
        assert reader.totals().alerts == 2


def test_a_file_that_could_not_be_read_is_opened_anew(path: Path) -> None:
    store(path, *(append(f"i-{number}") for number in range(400)))
    whole = path.read_bytes()
    with reading(path) as reader:
        os.truncate(path, 5 * 4096)
        with pytest.raises(LogFault, match="Start trayalert, which moves it aside"):
            list(reader.alerts(limit=None))
        path.unlink()
        path.write_bytes(whole)
        assert len(list(reader.alerts(limit=None))) == 400


@pytest.mark.parametrize(
    ("table", "column", "damaged"),
    [
        ("incident", "level", "WBRN"),
        ("incident", "worst_level", ""),
        ("alert", "level", "OKK"),
        ("alert", "kind", "thresholx"),
        ("alert", "state", "ALERU"),
        ("alert", "previous_level", "?"),
        ("alert", "dimensions", '{"instanceId'),
    ],
)
def test_a_damaged_word_hides_nothing_and_makes_nothing_calm(five: Path, table: str, column: str, damaged: str) -> None:
    with closing(sqlite3.connect(five, isolation_level=None)) as other:
        other.execute(f"UPDATE {table} SET {column} = ? WHERE id = 3", (damaged,))
    with reading(five) as reader:
        assert sum(reader.open_levels().values()) == 5
        assert [one.incident.id for one in reader.open_incidents()] == [5, 4, 3, 2, 1]
        assert ids(list(reader.alerts(limit=None))) == [5, 4, 3, 2, 1]
        (damaged_one,) = reader.incidents([3])
    assert damaged_one.incident.level is Level.WARN
    assert damaged_one.alert.alert.level is Level.WARN
    assert damaged_one.alert.alert.state is State.ALERT


def large_group(number_of_alerts: int = 100) -> bytes:
    """Return the body of a callback of Alertmanager with more than 64 KiB."""
    alerts = [
        {
            "labels": {"alertname": "P", "pod": f"p{number}"},
            "annotations": {"description": f"entry {number} " + "x" * 700},
            "startsAt": "2026-11-29T22:50:00Z",
            "fingerprint": f"f{number}",
        }
        for number in range(number_of_alerts)
    ]
    return json.dumps({"status": "firing", "groupLabels": {}, "alerts": alerts}).encode()


def test_the_fields_of_a_large_body_are_not_read_for_each_of_its_alerts(path: Path) -> None:
    body = large_group()
    assert len(body) > LARGEST_PARSED_BODY
    store(path, read(raw_callback(body)), append("i-1"))

    with reading(path) as reader:
        small, *large = reader.alerts(limit=None)
        assert (small.too_large, small.alert.fields["ruleId"]) == (False, "rule-1")
        assert len(large) == 100
        assert all(one.too_large and not one.alert.fields for one in large)
        assert large[0].raw is None
        assert all(one.alert.too_large for one in reader.open_incidents() if one.alert.alert.name == "P")
        assert [one.raw for one in reader.alerts(limit=2, raw=True)][1] == body


def test_an_alert_of_a_large_body_is_found_by_its_own_message(path: Path) -> None:
    store(path, read(raw_callback(large_group())), append("i-1"))

    with reading(path) as reader:
        assert len(list(reader.alerts(limit=None, search="entry 42 x"))) == 1
        assert [one.alert.dimensions["pod"] for one in reader.alerts(limit=None, search="p42")] == ["p42"]
