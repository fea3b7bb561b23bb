"""A retry is counted on its alert, never shown as another alert, and never discarded."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.callbacks.other_bodies import ARMS, as_json, changed
from tests.storage.making import HOUR, MINUTE, NOON, append, raw_callback, read, reading, rows, store, writing
from trayalert.callbacks.kinds import read_callback
from trayalert.domain import events
from trayalert.domain.callback import Callback
from trayalert.domain.events import CallbackArrived, IncidentChanged
from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.incident import Change
from trayalert.storage.recovery.integrity_check import check_log
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.incident_closure import Resolve
from trayalert.storage.writer.reparse_slice import ReparseSlice


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def counted(path: Path) -> list[int]:
    """Return the number of deliveries of each alert.

    Check that each delivery exists and names its alert.
    """
    found = rows(path, "SELECT id, deliveries FROM alert ORDER BY id")
    for number, count in found:
        assert rows(path, "SELECT count(*) FROM delivery WHERE alert_id = ?", number) == [(count,)]
    assert rows(path, "SELECT count(*) FROM delivery") == [(sum(count for _, count in found),)]
    return [count for _, count in found]


def test_a_retry_changes_nothing_but_the_count(path: Path) -> None:
    (first,) = store(path, append())
    with reading(path) as reader:
        (before,) = reader.alerts(limit=10)
        incident = reader.open_incidents()[0].incident

    (again,) = store(path, append(came=NOON + 5000))

    assert [type(event) for event in first] == [CallbackArrived, IncidentChanged]
    assert again == (CallbackArrived(NOON + 5000),)
    assert counted(path) == [2]
    with reading(path) as reader:
        (after,) = reader.alerts(limit=10)
        assert after.alert == before.alert
        assert (after.deliveries, after.received_at) == (2, before.received_at)
        assert reader.open_incidents()[0].incident == incident


def test_retries_within_one_group_are_counted(path: Path) -> None:
    with writing(path) as log:
        log.commit([append("i-1"), append("i-2"), append("i-1", came=NOON + 1), append("i-1", came=NOON + 2)])

    assert counted(path) == [3, 1]


def test_retries_across_groups_are_counted(path: Path) -> None:
    with writing(path) as log:
        for came in range(4):
            log.commit([append("i-1", came=NOON + came), append("i-2", came=NOON + came)])

    assert counted(path) == [4, 4]


def test_many_retries_of_many_alerts_in_one_large_group_are_counted(path: Path) -> None:
    with writing(path) as log:
        log.commit([append(f"i-{number}") for number in range(0, 300, 2)])
        log.commit([append(f"i-{number % 300}", came=NOON + number) for number in range(900)])

    assert sorted(counted(path)) == [3] * 150 + [4] * 150


def test_a_retry_that_is_signed_anew_is_one(path: Path) -> None:
    store(path, append(signature="abc"), append(signature="xyz", came=NOON + 5000))

    assert counted(path) == [2]


@pytest.mark.parametrize(
    "other",
    [
        {"at": NOON + 1},
        {"resource": "i-2"},
        {"alertState": "OK"},
        {"triggerLevel": "CRITICAL"},
        {"metricName": "Memory"},
        {"ruleId": "rule-2"},
        {"userId": "2"},
    ],
    ids=str,
)
def test_another_alert_is_no_retry(path: Path, other: dict[str, str]) -> None:
    store(path, append(), append(**other))

    assert counted(path) == [1, 1]


def test_a_retry_is_one_however_late_it_comes(path: Path) -> None:
    store(path, append(), append(came=NOON + 24 * HOUR))

    assert counted(path) == [2]


@pytest.mark.parametrize(
    ("body", "what"),
    [(b"whatever it is", "unrecognised"), (b"alertName=x&alertState=ALERT&curValue=1", "no rule and no time")],
)
def test_a_text_without_rule_or_time_is_a_retry_only_within_ten_minutes(path: Path, body: bytes, what: str) -> None:
    moments = [0, 10 * MINUTE, 10 * MINUTE + 1, 20 * MINUTE + 1, 20 * MINUTE + 2]

    store(path, *(read(raw_callback(body, came=NOON + moment)) for moment in moments))

    assert counted(path) == [2, 2, 1]


def test_ten_minutes_are_ten_minutes_within_a_group_too(path: Path) -> None:
    with writing(path) as log:
        log.commit([read(raw_callback(b"x", came=NOON + moment * MINUTE)) for moment in (0, 10, 11, 21, 22)])

    assert counted(path) == [2, 2, 1]


def test_the_same_body_with_another_query_is_another_alert(path: Path) -> None:
    store(path, read(raw_callback(b"x", query=b"a=1")), read(raw_callback(b"x", query=b"a=2")))

    assert counted(path) == [1, 1]


def test_tests_of_the_console_are_never_merged(path: Path) -> None:
    results = store(path, *(read(raw_callback(b"", came=NOON + number)) for number in range(3)))

    assert results[0] == (CallbackArrived(NOON), events.TestReceived(NOON))
    assert counted(path) == [1, 1, 1]
    assert rows(path, "SELECT count(*) FROM incident") == [(0,)]
    assert rows(path, "SELECT DISTINCT kind, state, incident_id FROM alert") == [("test", None, None)]


def test_each_delivery_keeps_its_own_bytes(path: Path) -> None:
    store(path, append(signature="abc"), append(signature="xyz", came=NOON + 5000))

    bodies = [body for (body,) in rows(path, "SELECT body FROM delivery ORDER BY id")]
    assert [b"signature=abc" in body for body in bodies] == [True, False]
    with reading(path) as reader:
        assert next(reader.alerts(limit=1, raw=True)).raw == bodies[0]


def alertmanager(status: str, *, came: int, ends: str = "0001-01-01T00:00:00Z") -> Append:
    entry = changed(ARMS["alerts"][0], status=status, startsAt="2026-11-18T00:00:00Z", endsAt=ends)
    one = raw_callback(as_json({**ARMS, "alerts": [entry]}), came=came)
    return Append(one, read_callback(one))


def test_what_fires_again_under_its_old_beginning_burns_again_and_has_another_end(path: Path) -> None:
    early, late = "2026-11-18T01:00:00Z", "2026-11-18T03:00:00Z"
    store(path, alertmanager("firing", came=NOON), alertmanager("resolved", came=NOON + HOUR, ends=early))

    (retry,) = store(path, alertmanager("firing", came=NOON + MINUTE))
    assert retry == (CallbackArrived(NOON + MINUTE),)
    store(path, alertmanager("firing", came=NOON + 2 * HOUR), alertmanager("firing", came=NOON + 3 * HOUR))

    with reading(path) as reader:
        (opened,) = reader.open_incidents()
        assert opened.incident.last_received_at == NOON + 3 * HOUR
    store(path, alertmanager("resolved", came=NOON + 4 * HOUR, ends=late))
    with reading(path) as reader:
        assert not reader.open_incidents()
    assert counted(path) == [2, 1, 2, 1]


def test_what_a_person_closed_and_the_sender_says_again_burns_again_since_its_beginning(path: Path) -> None:
    store(path, alertmanager("firing", came=NOON))
    with writing(path) as log:
        log.commit([Resolve(1, NOON + MINUTE)])
    store(path, alertmanager("firing", came=NOON + HOUR))

    with reading(path) as reader:
        (opened,) = reader.open_incidents()
    assert (opened.incident.id, opened.incident.opened_at) == (2, opened.alert.alert.at)


def arms(value: str, *, came: int, **more: object) -> Append:
    """Return a later callback of ARMS, which is still firing, with the same start time."""
    document = changed(ARMS)
    document["alerts"][0]["annotations"] |= {"value": value, "message": f"{value} is too much", **more}
    return read(raw_callback(as_json(document), came=came))


def shown(path: Path) -> tuple[str | None, str | None]:
    """Return the value and the message, as the window and scripts get them."""
    with reading(path) as reader:
        (stored,) = reader.open_incidents()
        (alert,) = reader.alerts(limit=10)
        assert stored.alert.alert.value_text == alert.alert.value_text
        assert alert.alert.value == (float(alert.alert.value_text) if alert.alert.value_text else None)
    return alert.alert.value_text, (alert.alert.message or "").splitlines()[-1]


@pytest.mark.parametrize("after", [MINUTE, HOUR])
def test_a_repeat_with_another_value_is_a_delivery_of_the_same_alert_and_its_value_is_shown(
    path: Path, after: int
) -> None:
    _, repeat = store(path, arms("90", came=NOON), arms("97", came=NOON + after))

    assert counted(path) == [2]
    assert shown(path) == ("97", "97 is too much")
    # no notification is made from this change
    assert repeat == (CallbackArrived(NOON + after), IncidentChanged(1, Change.COUNTED))
    assert check_log(path).problems == ()
    with reading(path) as reader:
        assert reader.open_incidents()[0].incident.last_received_at == NOON + after


def test_a_repeat_changes_no_other_column(path: Path) -> None:
    renamed = {"alertName": "renamed", "instanceName": "renamed/10.0.0.15", "curValue": "98"}
    store(path, append(came=NOON, instanceName="web/10.0.0.1"), append(came=NOON + MINUTE, **renamed))

    sql = "SELECT deliveries, value, name, resource_name, delivery_id, received_at FROM alert"
    assert rows(path, sql) == [(2, 98.0, "CPU", "web", 1, NOON)]


def test_of_repeats_in_one_group_and_in_any_order_the_one_that_was_received_last_is_shown(path: Path) -> None:
    with writing(path) as log:
        log.commit([arms("2", came=NOON + 2), arms("4", came=NOON + 4), arms("3", came=NOON + 3)])
    assert shown(path) == ("4", "4 is too much")

    store(path, arms("1", came=NOON + 1), arms("6", came=NOON + 6), arms("5", came=NOON + 5))
    assert shown(path) == ("6", "6 is too much")
    assert counted(path) == [6]
    assert check_log(path).problems == ()


def test_a_repeat_with_the_same_value_is_the_last_one_too(path: Path) -> None:
    store(path, arms("90", came=NOON), arms("90", came=NOON + 3), arms("80", came=NOON + 2))

    assert shown(path) == ("90", "90 is too much")


def test_a_value_that_a_repeat_lacks_is_no_longer_shown(path: Path) -> None:
    store(path, arms("90", came=NOON), arms("", came=NOON + MINUTE, _aliyun_arms_alert_now_value=""))

    assert shown(path)[0] is None


def test_a_repeat_of_a_threshold_alert_with_another_value_is_shown(path: Path) -> None:
    store(path, append(curValue="90"), append(curValue="97", came=NOON + 5000))

    assert counted(path) == [2]
    with reading(path) as reader:
        assert next(iter(reader.alerts(limit=1))).alert.value_text == "97"


def test_reading_stored_callbacks_again_keeps_the_value_that_was_received_last(path: Path) -> None:
    store(path, arms("90", came=NOON), arms("97", came=NOON + MINUTE))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE alert SET name = 'as an older parser read it'")

    store(path, ReparseSlice(read_callback, NOON + HOUR))

    assert shown(path) == ("97", "97 is too much")
    with reading(path) as reader:
        assert next(iter(reader.alerts(limit=1))).alert.name != "as an older parser read it"
    assert check_log(path).problems == ()


def test_reading_stored_callbacks_again_brings_the_value_of_the_last_delivery_up_to_date(path: Path) -> None:
    store(path, arms("90", came=NOON), arms("97", came=NOON + MINUTE), arms("95", came=NOON + 2))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE alert SET value_text = 'as an older parser read it'")

    store(path, ReparseSlice(read_callback, NOON + HOUR))

    assert shown(path) == ("97", "97 is too much")
    assert check_log(path).problems == ()


def test_reading_stored_callbacks_again_reads_each_of_them_once(path: Path) -> None:
    """A large group takes long to read, and each of its alerts may have a different last delivery."""
    alerts = [changed(ARMS["alerts"][0], fingerprint=f"{number}") for number in range(9)]
    bodies = [as_json({**ARMS, "alerts": alerts[number:]}) for number in range(9)]
    store(path, *(read(raw_callback(body, came=NOON + number)) for number, body in enumerate(bodies)))
    were_read: list[Callback] = []

    def read_and_note(one: Callback) -> tuple[Alert, ...]:
        were_read.append(one)
        return read_callback(one)

    store(path, ReparseSlice(read_and_note, NOON + HOUR))

    assert [one.received_at for one in were_read] == [NOON + number for number in range(9)]


def test_a_repeat_with_another_unit_or_message_alone_is_shown(path: Path) -> None:
    store(path, append(unit="%"), append(unit="MB", came=NOON + 5000))
    with reading(path) as reader:
        assert next(iter(reader.alerts(limit=1))).alert.unit == "MB"

    other = path.with_name("other.db")
    store(other, arms("1", came=NOON), arms("1", came=NOON + 1, message="said\nanew"))
    assert shown(other) == ("1", "anew")


def test_an_alert_whose_repeat_brought_a_message_is_as_it_is_read_today(path: Path) -> None:
    store(path, arms("1", came=NOON, message=""), arms("1", came=NOON + 1))

    assert store(path, ReparseSlice(read_callback, NOON + HOUR)) == [
        (events.ReparseProgress(2, 2, 0, 0, finished=True),)
    ]


def test_a_repeat_that_says_the_same_in_odd_letters_is_nothing_new(path: Path) -> None:
    same = {"message": 'a\0b "c" \\ \u2028 \N{FIRE}'}
    _, repeat = store(path, arms("1", came=NOON, **same), arms("1", came=NOON + 1, **same))

    assert repeat == (CallbackArrived(NOON + 1),)


def test_a_repeat_whose_delivery_was_retired_is_still_the_last_by_time(path: Path) -> None:
    store(path, arms("90", came=NOON), arms("97", came=NOON + MINUTE))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DELETE FROM delivery WHERE id = 2")

    store(path, arms("98", came=NOON + 2 * MINUTE))

    assert shown(path) == ("98", "98 is too much")
