"""A callback with a value that the log cannot store is kept raw, and does not prevent the rest of its batch."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.storage.making import append, open_log, reading, rows, writing
from trayalert.domain.incident.alert import UNRECOGNISED
from trayalert.storage.faults import NotStored
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.incident_closure import Resolve


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def poisoned(resource: str = "i-poison", **values: Any) -> Append:
    good = append(resource)
    return Append(good.callback, (replace(good.alerts[0], **values),))


POISON: dict[str, dict[str, Any]] = {
    "lone surrogate": {"name": "\ud800"},
    "lone surrogate in the key": {"key": "\ud800"},
    "lone surrogate in a dimension": {"dimensions": {"a": "\udfff"}},
    "int beyond 64 bits": {"at": 2**63},
    "not a number": {"at": "yesterday"},
    "wrong type": {"name": ["a", "list"]},
    "not to be written as JSON": {"dimensions": {"a": object()}},
    "no identity": {"identity": None},
}


@pytest.mark.parametrize("values", POISON.values(), ids=POISON)
def test_a_poison_value_costs_the_others_nothing(path: Path, values: dict[str, Any]) -> None:
    with writing(path) as log:
        results = log.commit([append("i-1"), poisoned(**values), append("i-2")])

        assert not any(isinstance(result, Exception) for result in results)
        assert not isinstance(log.commit([append("i-3")])[0], Exception)
    assert [row[0] for row in rows(path, "SELECT resource_id FROM alert ORDER BY id")] == ["i-1", None, "i-2", "i-3"]


@pytest.mark.parametrize("values", POISON.values(), ids=POISON)
def test_what_cannot_be_stored_is_kept_as_the_bytes_that_came(path: Path, values: dict[str, Any]) -> None:
    with writing(path) as log:
        job = poisoned(**values)
        log.commit([job])

    with reading(path) as reader:
        (stored,) = reader.alerts(limit=10, raw=True)
        assert (stored.alert.kind, stored.raw) == (UNRECOGNISED, job.callback.body)
        assert reader.totals().unrecognised == reader.totals().open_incidents == 1


def test_no_alert_at_all_is_kept_as_the_bytes_that_came(path: Path) -> None:
    with writing(path) as log:
        log.commit([append("i-1"), Append(append("i-2").callback, ()), append("i-3")])

    assert [row[0] for row in rows(path, "SELECT kind FROM alert ORDER BY id")] == [
        "threshold", "unrecognised", "threshold",
    ]  # fmt: skip


def test_a_retry_of_a_poison_is_one(path: Path) -> None:
    with writing(path) as log:
        for _ in range(3):
            log.commit([poisoned(name="\ud800")])

    assert rows(path, "SELECT kind, deliveries FROM alert") == [("unrecognised", 3)]


def test_a_callback_that_is_poison_itself_is_refused_alone(path: Path) -> None:
    with writing(path) as log:
        good = append("i-1")
        bad = Append(replace(good.callback, content_type="\ud800"), good.alerts)

        results = log.commit([append("i-2"), bad, append("i-3")])

    assert [isinstance(result, NotStored) for result in results] == [False, True, False]
    assert rows(path, "SELECT count(*) FROM delivery") == [(2,)]


def test_a_number_that_no_incident_can_have_is_refused_alone(path: Path) -> None:
    with writing(path) as log:
        results = log.commit([append("i-1"), Resolve(2**63, 1), append("i-2")])

    assert [isinstance(result, NotStored) for result in results] == [False, True, False]


async def test_a_callback_that_is_refused_by_a_fault_of_ours_is_told_and_the_next_one_heals(path: Path) -> None:
    good = append("i-1")
    async with open_log(path) as log:
        with pytest.raises(NotStored):
            await log.run_job(Append(replace(good.callback, sender="\ud800"), good.alerts))
        assert not log.state.storing
        assert "fault of trayalert's own" in log.state.problems[0]
        with pytest.raises(NotStored):
            await log.run_job(Resolve(2**70, 0))
        await log.run_job(good)
        assert log.state.storing
        assert "fault of trayalert's own" in log.state.news[0]


async def test_the_writer_goes_on_after_poison(path: Path) -> None:
    async with open_log(path) as log:
        for number in range(5):
            await log.run_job(poisoned(f"i-{number}", name="\ud800"))
            await log.run_job(append(f"good-{number}"))

    assert rows(path, "SELECT count(*) FROM alert WHERE resource_id LIKE 'good-%'") == [(5,)]
