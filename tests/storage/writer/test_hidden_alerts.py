"""The incident that stands for hidden alerts ends when the group hides none, and leaves no other trace."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.storage.making import HOUR, MINUTE, NOON, keep_raw, raw_callback, read, reading, rows, store, writing
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.events import CallbackArrived
from trayalert.domain.incident.alert import UNRECOGNISED
from trayalert.domain.incident.incident import Change
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.incident_closure import Expire, Resolve
from trayalert.storage.writer.reparse_slice import ReparseSlice

HIDING = "more alerts of this group are not shown"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def group(
    minute: float, hidden: int | None, *, status: str = "firing", key: str = "g", names: tuple[str, ...] = ("a",)
) -> Callback:
    document: dict[str, Any] = {
        "status": status, "groupKey": key, "receiver": "r", "groupLabels": {"alertname": "X"},
        "alerts": [
            {"status": status, "labels": {"alertname": "X", "pod": name}, "startsAt": "2026-09-21T12:00:00Z",
             "endsAt": f"2026-09-21T14:00:{round(minute) % 60:02}Z", "fingerprint": name}
            for name in names
        ],
    }  # fmt: skip
    if hidden is not None:
        document["truncatedAlerts"] = hidden
    return raw_callback(json.dumps(document).encode(), came=NOON + round(minute * MINUTE))


def of_hidden(path: Path) -> list[tuple[int, int | None, str | None, int]]:
    """Return the incidents that stand for hidden alerts.

    Each row holds when the incident opened and closed (in minutes after noon), what closed it, and its number of
    alerts.
    """
    found = rows(
        path,
        "SELECT opened_at, closed_at, closed_by, alerts FROM incident WHERE id IN (SELECT incident_id FROM alert"
        " WHERE name LIKE '%of this group%') ORDER BY id",
    )
    return [
        ((opened - NOON) // MINUTE, None if closed is None else (closed - NOON) // MINUTE, by, alerts)
        for opened, closed, by, alerts in found
    ]


def alerts(path: Path) -> int:
    ((count,),) = rows(path, "SELECT count(*) FROM alert")
    return int(count)


@pytest.mark.parametrize(
    "end",
    [
        group(10, 0),
        group(10, None),
        group(10, 23, status="resolved"),
        group(10, None, status="resolved"),
        group(10, 0, names=tuple(f"p{number}" for number in range(499))),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_an_incident_of_hidden_alerts_recovers_when_none_is_hidden(path: Path, end: Callback, *, at_once: bool) -> None:
    jobs = [read(group(0, 23)), read(end)]
    if at_once:
        with writing(path) as log:
            log.commit(jobs)
    else:
        store(path, *jobs)

    assert of_hidden(path) == [(0, 10, Change.RECOVERED, 2)]


def test_what_was_too_much_to_be_read_recovers_too(path: Path) -> None:
    many = tuple(f"p{number}" for number in range(510))
    store(path, read(group(0, None, names=many)), read(group(10, None, names=many[:20])))

    assert of_hidden(path) == [(0, 10, Change.RECOVERED, 2)]


def test_a_group_that_hid_nothing_leaves_no_alert_and_no_incident(path: Path) -> None:
    results = store(path, *(read(group(minute, 0)) for minute in (0, 20)), read(group(30, 0, status="resolved")))

    assert of_hidden(path) == []
    assert alerts(path) == 2
    assert results[1] == (CallbackArrived(NOON + 20 * MINUTE), *results[1][1:])
    assert rows(path, "SELECT count(*) FROM delivery WHERE alert_id NOT IN (SELECT id FROM alert)") == [(0,)]
    with reading(path) as reader:
        assert reader.open_incidents() == []


def test_another_number_is_the_same_incident_and_a_retry_no_second_alert(path: Path) -> None:
    store(path, read(group(0, 23)), read(group(0.1, 23)), read(group(5, 30)))

    assert of_hidden(path) == [(0, None, None, 2)]
    assert rows(path, "SELECT name, deliveries FROM alert WHERE name LIKE ? ORDER BY id", f"%{HIDING}") == [
        (f"23 {HIDING}", 2),
        (f"30 {HIDING}", 1),
    ]


def test_the_end_closes_it_once_and_its_retry_is_counted(path: Path) -> None:
    end = group(10, 0)
    store(path, read(group(0, 23)), read(end), read(Callback(**{**_parts(end), "received_at": end.received_at + 5000})))
    store(path, read(group(40, 0)))

    assert of_hidden(path) == [(0, 10, Change.RECOVERED, 2)]
    assert rows(path, "SELECT deliveries FROM alert WHERE name LIKE 'No more%'") == [(2,)]


def _parts(one: Callback) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def test_what_is_hidden_again_fires_again(path: Path) -> None:
    store(path, read(group(0, 23)), read(group(10, 0)), read(group(30, 5)), read(group(40, 0, status="resolved")))

    assert of_hidden(path) == [(0, 10, Change.RECOVERED, 2), (30, 40, Change.RECOVERED, 2)]


def test_the_end_of_one_group_is_not_that_of_another(path: Path) -> None:
    store(path, read(group(0, 23)), read(group(10, 0, key="h")))

    assert of_hidden(path) == [(0, None, None, 1)]


def test_an_end_from_before_what_is_hidden_now_closes_nothing(path: Path) -> None:
    store(path, read(group(10, 23)), read(group(0, 0)))

    ((_, closed, _, _),) = of_hidden(path)
    assert closed is None


@pytest.mark.parametrize("close", [Resolve(2, NOON + MINUTE), Expire(NOON + 25 * HOUR)])
def test_an_incident_that_is_closed_already_is_left_as_it_is(path: Path, close: Any) -> None:
    store(path, read(group(0, 23)), close)
    before = of_hidden(path)
    store(path, read(group(26 * 60, 0)))

    assert len(before) == 1
    assert before[0][1] is not None
    assert of_hidden(path) == before


def test_one_whose_time_is_over_expires_and_does_not_recover(path: Path) -> None:
    store(path, read(group(0, 23)), read(group(25 * 60, 0)), Expire(NOON + 26 * HOUR))

    assert of_hidden(path) == [(0, 24 * 60, Change.EXPIRED, 1)]


def test_what_is_read_again_comes_to_the_same(path: Path, tmp_path: Path) -> None:
    bodies = [group(0, 0), group(20, 23), group(40, 0), group(60, 7), group(80, 9, status="resolved")]
    store(path, *(Append(one, keep_raw(one)) for one in bodies))
    store(tmp_path / "other.db", *map(read, bodies))
    store(path, ReparseSlice(read_callback, NOON))

    assert of_hidden(path) == of_hidden(tmp_path / "other.db") == [
        (20, 40, Change.RECOVERED, 2), (60, 80, Change.RECOVERED, 2)
    ]  # fmt: skip
    assert alerts(path) == alerts(tmp_path / "other.db")
    (again,) = store(path, ReparseSlice(read_callback, NOON, restart=True))
    assert (again[0].turned, again[0].refreshed) == (0, 0)


def test_the_ends_of_a_list_of_groups_come_last(path: Path) -> None:
    bodies = [json.loads(group(0, 0, key=f"g{number}", names=(f"p{number}",)).body) for number in range(300)]
    one = raw_callback(json.dumps([*bodies, {"nobody": "knows"}]).encode())
    found = read_callback(one)

    assert [alert.only_closes for alert in found] == [False] * 301 + [True] * 300
    assert found[300].kind == UNRECOGNISED
    store(path, Append(one, found))
    assert alerts(path) == 301
