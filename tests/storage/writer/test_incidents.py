"""Incidents in a real log, where earlier incidents must be found however the alerts are committed.

The tests with `store_jobs` run three times: with one transaction for each alert, with one transaction for all alerts,
and with the log closed and opened again between the alerts.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.storage.making import HOUR, MINUTE, NOON, append, raw_callback, read, reading, rows, store, writing
from trayalert.domain.incident.incident import UNRECOGNISED_SPAN, Change
from trayalert.domain.incident.level import Level
from trayalert.storage.writer.incident_closure import Expire, Resolve
from trayalert.storage.writer.writer import Job

StoreJobs = Callable[[Iterable[Job]], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


@pytest.fixture(params=["one by one", "at once", "reopened"])
def store_jobs(path: Path, request: pytest.FixtureRequest) -> StoreJobs:
    def store_jobs(jobs: Iterable[Job]) -> None:
        if request.param == "reopened":
            for job in jobs:
                store(path, job)
            return
        groups = [list(jobs)] if request.param == "at once" else [[job] for job in jobs]
        with writing(path) as log:
            for group in groups:
                assert not [result for result in log.commit(group) if isinstance(result, Exception)]

    return store_jobs


def ok(*resource: str, **fields: Any) -> Job:
    return append(*resource, **{"alertState": "OK", "triggerLevel": "OK"} | fields)


def incidents(path: Path) -> list[tuple[Any, ...]]:
    """Return each incident: the minutes after noon when it opened and closed, what closed it, its level, its alerts."""
    found = rows(path, "SELECT opened_at, closed_at, closed_by, level, alerts FROM incident ORDER BY id")
    return [
        ((opened - NOON) // MINUTE, None if closed is None else (closed - NOON) // MINUTE, by, level, alerts)
        for opened, closed, by, level, alerts in found
    ]


def minute(number: int) -> int:
    return NOON + number * MINUTE


def test_an_incident_goes_from_its_first_alert_to_its_ok(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([append(), append(at=minute(5)), append(at=minute(10), triggerLevel="CRITICAL"), ok(at=minute(15))])

    assert incidents(path) == [(0, 15, "recovered", "OK", 4)]
    assert rows(path, "SELECT worst_level, incident_id, count(*) FROM incident, alert") == [("CRITICAL", 1, 4)]


def test_what_burns_again_is_a_new_incident(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([append(), ok(at=minute(5)), append(at=minute(10)), ok(at=minute(15)), append(at=minute(20))])

    assert incidents(path) == [
        (0, 5, "recovered", "OK", 2),
        (10, 15, "recovered", "OK", 2),
        (20, None, None, "WARN", 1),
    ]


def test_resources_and_rules_have_their_own_incidents(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs(
        [
            append("i-1"),
            append("i-2"),
            append("i-1", ruleId="rule-2"),
            append("i-1", userId="2"),
            ok("i-2", at=minute(5)),
        ]
    )

    assert incidents(path) == [
        (0, None, None, "WARN", 1),
        (0, 5, "recovered", "OK", 2),
        (0, None, None, "WARN", 1),
        (0, None, None, "WARN", 1),
    ]


def test_a_late_alert_joins_the_incident_that_it_belongs_to(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([
        append(at=minute(10)),
        ok(at=minute(20)),
        append(at=minute(30)),
        ok(at=minute(40)),
        append(at=minute(35), came=minute(50)),
        append(at=minute(15), came=minute(50)),
        append(at=minute(5), came=minute(50)),
    ])  # fmt: skip

    assert incidents(path) == [(5, 20, "recovered", "OK", 4), (30, 40, "recovered", "OK", 3)]
    late = rows(path, "SELECT late, incident_id FROM alert ORDER BY id")
    assert late == [(0, 1), (0, 1), (0, 2), (0, 2), (1, 2), (1, 1), (1, 1)]


def test_a_new_transaction_supersedes_the_one_whose_ok_was_lost(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([append(transId="a"), append(at=minute(10), transId="b"), ok(at=minute(20), transId="b")])

    assert incidents(path) == [(0, 10, "superseded", "WARN", 1), (10, 20, "recovered", "OK", 2)]


def test_the_ok_of_a_superseded_transaction_closes_no_other(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([append(transId="a"), append(at=minute(10), transId="b"), ok(at=minute(20), transId="a")])

    assert incidents(path) == [(0, 10, "superseded", "OK", 2), (10, None, None, "WARN", 1)]


def test_an_ok_of_an_unknown_transaction_closes_what_burns_there(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([append(transId="a"), ok(at=minute(5), transId="z")])

    assert incidents(path) == [(0, 5, "recovered", "OK", 2)]


def test_a_lone_ok_is_an_incident_of_unknown_start(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([ok(preTriggerLevel="CRITICAL")])

    assert incidents(path) == [(0, 0, "recovered", "OK", 1)]
    assert rows(path, "SELECT start_known, worst_level FROM incident") == [(0, "CRITICAL")]


def event(name: str, number: int) -> Job:
    document = {"product": "VPN", "name": name, "eventTime": str(minute(number)), "resourceId": "vco-1", "id": name}
    return read(raw_callback(json.dumps(document).encode(), came=minute(number)))


def test_a_recovery_closes_what_was_down_and_a_lone_one_takes_in_what_was_down_before(
    path: Path, store_jobs: StoreJobs
) -> None:
    store_jobs([event("nic_down", 0), event("nic_recovered", 5), event("link_recovered", 9), event("link_down", 8)])

    assert incidents(path) == [(0, 5, Change.RECOVERED, Level.OK, 2), (8, 9, Change.RECOVERED, Level.OK, 2)]


def test_at_the_same_moment_alert_wins(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([append(), ok()])

    assert incidents(path) == [(0, None, None, "WARN", 2)]


def test_no_data_marks_what_burns_and_never_closes_it(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([append(triggerLevel="CRITICAL"), append(at=minute(5), alertState="INSUFFICIENT_DATA")])

    assert incidents(path) == [(0, None, None, "CRITICAL", 2)]
    assert rows(path, "SELECT no_data FROM incident") == [(1,)]


def test_an_incident_marked_recovered_by_hand_burns_anew_with_the_next_alert(path: Path, store_jobs: StoreJobs) -> None:
    store_jobs([append(), Resolve(1, minute(5)), append(at=minute(10))])

    assert incidents(path) == [(0, 5, "resolved", "WARN", 1), (10, None, None, "WARN", 1)]


def test_marking_what_is_closed_or_unknown_changes_nothing(path: Path) -> None:
    changes = store(path, append(), Resolve(1, minute(5)), Resolve(1, minute(6)), Resolve(99, minute(6)))

    assert [len(events) for events in changes] == [2, 1, 0, 0]
    assert incidents(path) == [(0, 5, "resolved", "WARN", 1)]


def test_callbacks_that_nobody_can_read_are_one_incident_which_ends_a_day_after_the_last(
    path: Path, store_jobs: StoreJobs
) -> None:
    store_jobs([
        read(raw_callback(b"one")),
        append(),
        read(raw_callback(b"two", came=NOON + HOUR)),
        Expire(NOON + UNRECOGNISED_SPAN + HOUR - 1),
        read(raw_callback(b"one", came=NOON + 2)),  # a retry, which does not make the incident last longer
        Expire(NOON + UNRECOGNISED_SPAN + HOUR),
        read(raw_callback(b"three", came=NOON + 30 * HOUR)),
    ])  # fmt: skip

    assert incidents(path) == [
        (0, 25 * 60, "expired", "WARN", 2),
        (0, None, None, "WARN", 1),
        (30 * 60, None, None, "WARN", 1),
    ]


def test_a_long_story_is_the_same_told_at_once_and_one_by_one(tmp_path: Path) -> None:
    """There are more resources than fit into one statement, and the alerts are in no particular order."""
    jobs = [
        (ok if (number * 7) % 3 == 0 else append)(
            f"i-{number * 37 % 61}", at=minute(number * 53 % 400), came=minute(1000 + number)
        )
        for number in range(450)
    ]
    with writing(tmp_path / "one") as one, writing(tmp_path / "all") as together, writing(tmp_path / "some") as some:
        for job in jobs:
            one.commit([job])
        together.commit(jobs)
        for start in range(0, len(jobs), 77):
            some.commit(jobs[start : start + 77])

    everything = "SELECT * FROM incident ORDER BY id", "SELECT * FROM alert ORDER BY id"
    expected = [rows(tmp_path / "one", sql) for sql in everything]
    assert [rows(tmp_path / "all", sql) for sql in everything] == expected
    assert [rows(tmp_path / "some", sql) for sql in everything] == expected
    assert len(expected[0]) > 100


def test_an_incident_comes_back_as_it_was_told(path: Path) -> None:
    store(path, append(triggerLevel="CRITICAL"), ok(at=minute(5)))

    with reading(path) as reader:
        ((stored,),) = [reader.closed_incidents(before=None, limit=5)]
    incident = stored.incident
    assert (incident.level, incident.worst_level) == (Level.OK, Level.CRITICAL)
    assert (incident.closed_by, incident.start_known, incident.no_data) == (Change.RECOVERED, True, False)
    assert (incident.alerts, incident.last_alert_id, stored.alert.id) == (2, 2, 2)
    assert (incident.key, incident.subject) == (stored.alert.alert.key, stored.alert.alert.subject)
