"""Old callbacks are read again: callbacks that were not understood become alerts.

No callback is lost or stored twice, and the user is not notified.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.callbacks.other_bodies import ARMS, CMS2, MAINTENANCE, as_json, changed
from tests.storage.making import NOON, keep_raw, reading, rows
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.events import ReparseProgress
from trayalert.domain.incident.alert import UNRECOGNISED, Alert
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.storage.recovery.integrity_check import count_changed_rows
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.reparse_slice import SLICE_SIZE, ReparseSlice
from trayalert.storage.writer.writer import Writer

MINUTE = 60_000
FIRED = as_json(CMS2)
OVER = as_json(changed(CMS2, id="alert-event-2", status="RESOLVED", subtype="NORMAL_RESOLVE", timestamp=1785300900123))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def callback(body: bytes, minute: float = 0) -> Callback:
    return Callback(received_at=NOON + round(minute * MINUTE), method="POST", body=body)


def store(path: Path, *callbacks: Callback, read: Callable[[Callback], tuple[Alert, ...]] = keep_raw) -> None:
    """Store callbacks like a trayalert whose parsers did not understand them."""
    writer = Writer(path, read=read, keep_raw=keep_raw)
    for one in callbacks:
        (result,) = writer.commit([Append(one, read(one))])
        assert not isinstance(result, Exception), result
    writer.close()


def reread(path: Path, *, slices: int | None = None, restart: bool = False) -> ReparseProgress:
    """Read stored callbacks again with today's parsers: `slices` slices of them, or all of them by default."""
    writer = Writer(path, read=read_callback, keep_raw=keep_raw)
    try:
        while True:
            (result,) = writer.commit([ReparseSlice(read_callback, NOON, restart)])
            assert not isinstance(result, Exception), result
            (progress,) = result
            assert isinstance(progress, ReparseProgress)
            restart = False
            slices = None if slices is None else slices - 1
            if progress.finished or slices == 0:
                return progress
    finally:
        writer.close()


def sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return count_changed_rows(connection) == 0


def stored_alerts(path: Path) -> list[tuple[int, str, int, int | None]]:
    with reading(path) as reader:
        return [
            (one.id, str(one.alert.kind), one.deliveries, one.incident_id) for one in reader.alerts(limit=None, after=0)
        ]


def shape(path: Path) -> Any:
    """Return all alerts and incidents, apart from their ids."""
    with reading(path) as reader:
        alerts = [(one.alert, one.received_at, one.deliveries, one.late) for one in reader.alerts(limit=None, after=0)]
        incidents = [one.incident._replace(id=0, last_alert_id=0) for one in reader.every_incident()]
    return sorted(map(repr, alerts)), sorted(map(repr, incidents))


def test_what_was_unrecognised_turns_into_an_alert_with_its_number_and_opens_its_incident(path: Path) -> None:
    store(path, callback(b"hello"), callback(FIRED, 1))

    progress = reread(path)

    assert (progress.turned, progress.done, progress.total, progress.finished) == (1, 2, 2, True)
    assert [(number, kind) for number, kind, *_ in stored_alerts(path)] == [(1, "unrecognised"), (2, "cms2")]
    with reading(path) as reader:
        unread, alert = sorted(reader.open_incidents(), key=lambda stored: stored.alert.id)
        assert (alert.incident.alerts, alert.incident.last_alert_id) == (1, 2)
        assert (unread.incident.alerts, unread.incident.last_alert_id, unread.incident.last_at) == (1, 1, NOON)
    assert sound(path)


def test_the_last_unrecognised_one_takes_its_incident_along(path: Path) -> None:
    store(path, callback(FIRED), callback(OVER, 1))

    reread(path)

    with reading(path) as reader:
        (closed,) = reader.every_incident()
        assert (closed.incident.alerts, closed.incident.open) == (2, False)
    assert sound(path)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_the_log_is_as_if_it_had_been_understood_at_once(path: Path, tmp_path: Path, order: tuple[int, ...]) -> None:
    bodies = [FIRED, OVER, as_json(MAINTENANCE), as_json(ARMS), b"alertName=a&alertState=ALERT&ruleId=r"]
    callbacks = [callback(bodies[number], minute) for minute, number in enumerate(order)]
    store(path, *callbacks)
    store(tmp_path / "other.db", *callbacks, read=read_callback)

    assert reread(path).turned == 5

    assert shape(path) == shape(tmp_path / "other.db")
    assert sound(path)


def test_several_alerts_of_one_body_all_come_out(path: Path) -> None:
    document = changed(ARMS)
    document["alerts"] += [{**document["alerts"][0], "fingerprint": f"f{number}"} for number in range(3)]
    store(path, callback(as_json(document)), callback(b"hello", 1))

    reread(path)

    assert [(number, kind) for number, kind, *_ in stored_alerts(path)] == [
        (1, "alertmanager"), (2, "unrecognised"), (3, "alertmanager"), (4, "alertmanager"), (5, "alertmanager")
    ]  # fmt: skip
    assert rows(path, "SELECT DISTINCT delivery_id FROM alert WHERE kind = 'alertmanager'") == [(1,)]


def test_deliveries_that_were_two_unrecognised_alerts_are_one_alert_delivered_as_often(path: Path) -> None:
    store(path, callback(FIRED), callback(FIRED, 1), callback(FIRED, 30), callback(b"hello", 31))
    assert [deliveries for _, _, deliveries, _ in stored_alerts(path)] == [2, 1, 1]

    assert reread(path).turned == 2

    assert [(number, kind, deliveries) for number, kind, deliveries, _ in stored_alerts(path)] == [
        (1, "cms2", 3), (3, "unrecognised", 1)
    ]  # fmt: skip
    assert rows(path, "SELECT id, alert_id FROM delivery") == [(1, 1), (2, 1), (3, 1), (4, 3)]


def test_numbers_that_became_free_are_not_given_again(path: Path) -> None:
    store(path, callback(FIRED), callback(FIRED, 30))
    reread(path)
    assert [number for number, *_ in stored_alerts(path)] == [1]

    store(path, callback(b"hello", 60))

    assert [number for number, *_ in stored_alerts(path)] == [1, 3]


def test_what_is_new_in_what_was_read_already_is_brought_up_to_date(path: Path) -> None:
    def older(one: Callback) -> tuple[Alert, ...]:
        return tuple(_without(alert) for alert in read_callback(one))

    store(path, callback(FIRED), read=older)
    assert reread(path).refreshed == 1

    with reading(path) as reader:
        (alert,) = reader.alerts(limit=None)
        assert (alert.alert.address, alert.alert.links["rule"][:5]) == ("10.0.0.3", "https")
    assert sound(path)
    assert reread(path).refreshed == 0


def _without(alert: Alert) -> Alert:
    return replace(alert, address=None, links={}, name="older name")


def test_an_alert_that_is_read_with_another_state_today_stays_as_it_is(path: Path) -> None:
    def older(one: Callback) -> tuple[Alert, ...]:
        return tuple(replace(alert, level=Level.INFO) for alert in read_callback(one))

    store(path, callback(FIRED), read=older)
    before = rows(path, "SELECT * FROM alert")

    assert reread(path).refreshed == 0
    assert rows(path, "SELECT * FROM alert") == before


def test_it_goes_on_where_it_was_stopped(path: Path) -> None:
    bodies = [as_json(changed(CMS2, id=f"e-{number}", ruleId=f"r-{number}")) for number in range(2 * SLICE_SIZE + 5)]
    store(path, *(callback(body, number) for number, body in enumerate(bodies)))

    stopped = reread(path, slices=1)
    assert (stopped.done, stopped.turned, stopped.finished) == (SLICE_SIZE, SLICE_SIZE, False)
    assert [kind for _, kind, *_ in stored_alerts(path)].count(UNRECOGNISED) == SLICE_SIZE + 5

    finished = reread(path)
    assert (finished.turned, finished.finished) == (2 * SLICE_SIZE + 5, True)
    assert [kind for _, kind, *_ in stored_alerts(path)].count("cms2") == 2 * SLICE_SIZE + 5
    assert rows(path, "SELECT * FROM reparse") == []


def test_anew_begins_with_the_first(path: Path) -> None:
    store(path, *(callback(b"hello %d" % number, number) for number in range(SLICE_SIZE + 1)))
    reread(path, slices=1)

    assert reread(path, slices=1, restart=True).done == SLICE_SIZE


def test_one_that_cannot_be_stored_stays_and_costs_no_other(path: Path) -> None:
    store(path, callback(FIRED), callback(OVER, 1))

    def poisoned(one: Callback) -> tuple[Alert, ...]:
        alerts = read_callback(one)
        return tuple(replace(alert, name="\ud800") for alert in alerts) if one.body == FIRED else alerts

    writer = Writer(path, read=read_callback, keep_raw=keep_raw)
    (result,) = writer.commit([ReparseSlice(poisoned, NOON)])
    writer.close()

    assert not isinstance(result, Exception)
    assert [kind for _, kind, *_ in stored_alerts(path)] == [UNRECOGNISED, "cms2"]


def test_what_arrives_meanwhile_is_left_alone(path: Path) -> None:
    store(path, *(callback(b"hello %d" % number, number) for number in range(SLICE_SIZE + 1)))
    reread(path, slices=1)
    store(path, callback(json.dumps(CMS2).encode(), 200))

    assert reread(path).total == SLICE_SIZE + 1
    assert stored_alerts(path)[-1][1] == UNRECOGNISED


def test_one_off_events_of_long_ago_are_the_incidents_that_they_were(path: Path) -> None:
    news = {"product": "ECS", "name": "Instance:StateChange", "level": "INFO", "content": {"instanceId": "i-1"}}
    store(path, *(callback(as_json(news | {"id": f"{minute}"}), minute) for minute in (0, 30, 300)))

    reread(path)

    with reading(path) as reader:
        latest, first = (stored.incident for stored in reader.every_incident())
    assert (first.alerts, first.closed_by, first.closed_at) == (2, Change.EXPIRED, NOON + 90 * MINUTE)
    assert (latest.alerts, latest.open) == (1, True)
    assert sound(path)
