"""What a log contained before it was damaged is stored again, once each, whatever is killed in between."""

import multiprocessing
import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.storage.damage import big_log, job, leaves, overwrite, overwrite_page
from tests.storage.making import NOON, append, raw_callback, reading, rows, store, writing
from tests.storage.making import read as read_job
from trayalert.domain.events import Event
from trayalert.domain.gap import GapCause
from trayalert.domain.incident.alert import UNRECOGNISED
from trayalert.domain.phrase import phrase_to_text
from trayalert.services.inbox import keep_raw, offline_jobs, read
from trayalert.services.maintenance.salvage_job import salvage_all, salvage_offline
from trayalert.services.maintenance.salvage_outcome import read_outcome
from trayalert.storage.companion_files import quarantine_of
from trayalert.storage.recovery.quarantine import (
    last_ids,
    move_aside,
    read_salvage_result,
    unsalvaged_folders,
    write_salvage_result,
)
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.gap_records import AddGap
from trayalert.storage.writer.salvage import GROUP_SIZE, BeginSalvage, SalvageGroup, open_salvage, read_salvages
from trayalert.storage.writer.writer import Job

COUNT = 501
CONTENT = "SELECT received_at, method, query, content_type, sender, secret, body FROM delivery ORDER BY id"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trayalert.db"
    big_log(path, COUNT)
    return path


def counts(path: Path) -> tuple[int, int, int]:
    (one,) = read_salvages(path)
    return one.salvaged, one.damaged, one.missing


def start_new_log(path: Path) -> Path:
    """Move the log into quarantine and start a new log that continues its ids, as the writer does."""
    folder = move_aside(path, reason="damaged", now=NOON)
    numbers = last_ids(folder / path.name)
    store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE numbering SET delivery = ?, alert = ?, incident = ?", numbers)
    return folder


def test_the_gaps_of_a_log_do_not_come_back(path: Path) -> None:
    store(path, AddGap(cause=GapCause.OFF, began_at=NOON, ended_at=NOON + 1))
    start_new_log(path)

    salvage_offline(path, now=NOON)

    assert rows(path, "SELECT count(*) FROM delivery") == [(COUNT,)]
    assert rows(path, "SELECT count(*) FROM gap") == [(0,)]


def test_every_callback_comes_back_as_it_was_and_folds_into_the_same_incidents(path: Path) -> None:
    before = rows(path, CONTENT)
    state = "SELECT key, opened_at, closed_at, level, alerts FROM incident ORDER BY id"
    incidents = rows(path, state)
    folder = start_new_log(path)
    (sentence,) = salvage_offline(path, now=NOON)
    assert rows(path, CONTENT) == before
    assert rows(path, state) == incidents
    assert counts(path) == (COUNT, 0, 0)
    assert sentence.startswith("501 of 501 callbacks of the former log were salvaged.")
    assert str(folder) in sentence
    assert read_salvage_result(folder) == sentence
    assert rows(path, "SELECT min(id) FROM delivery")[0][0] > COUNT


def test_what_is_lost_is_counted_exactly(path: Path) -> None:
    at = path.read_bytes().index(b"alertState=ALERT", (leaves(path)[3] - 1) * 4096)
    overwrite(path, at, b"B")
    bad = leaves(path)[8]
    lost = path.read_bytes()[(bad - 1) * 4096 + 4]
    overwrite_page(path, bad)
    start_new_log(path)
    (sentence,) = salvage_offline(path, now=NOON)
    assert counts(path) == (COUNT - 1 - lost, 1, lost)
    assert f"{COUNT - 1 - lost} of 501 callbacks" in sentence
    assert f"1 damaged and {lost} missing" in sentence


def test_nothing_that_can_be_read_is_told_with_the_way_out(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)
    start_new_log(path)
    (sentence,) = salvage_offline(path, now=NOON)
    assert sentence.startswith("Nothing could be salvaged")
    assert counts(path) == (0, 0, 0)


def test_what_came_meanwhile_stays_and_what_is_there_already_is_not_doubled(path: Path) -> None:
    folder = start_new_log(path)
    store(path, append("new", at=NOON + 10_000_000))
    salvage_offline(path, now=NOON)
    write_salvage_result(folder, "waits to be salvaged")  # resets the result of the salvage, so that it starts again
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DELETE FROM salvage")
    assert unsalvaged_folders(path) == [folder]
    salvage_offline(path, now=NOON)
    assert rows(path, "SELECT count(*) FROM delivery") == [(COUNT + 1,)]
    assert counts(path) == (COUNT, 0, 0)


def test_a_callback_of_1_mib_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    body = b"z" * 1024 * 1024
    store(path, append("i-1"), read_job(raw_callback(body, query=b"q" * 16_000)), append("i-2"))
    start_new_log(path)
    salvage_offline(path, now=NOON)

    assert counts(path) == (3, 0, 0)
    assert rows(path, "SELECT count(*) FROM delivery WHERE body = ?", body) == [(1,)]


def test_the_value_that_is_shown_is_the_one_received_last_though_others_are_salvaged_later(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    store(path, append(curValue="90", came=NOON), append(curValue="95", came=NOON + 2000))
    start_new_log(path)
    store(path, append(curValue="97", came=NOON + 3000))
    salvage_offline(path, now=NOON)

    with reading(path) as reader:
        (alert,) = reader.alerts(limit=10)
    assert (alert.alert.value_text, alert.alert.value, alert.deliveries) == ("97", 97.0, 3)


def test_two_equal_callbacks_stay_two(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    store(path, append(), append(), append())
    start_new_log(path)
    salvage_offline(path, now=NOON)
    assert rows(path, "SELECT count(*), (SELECT deliveries FROM alert) FROM delivery") == [(3, 3)]


def test_a_group_that_was_written_already_is_not_written_again(path: Path) -> None:
    start_new_log(path)
    with writing(path) as log:
        log.commit([BeginSalvage(path, NOON)])
        (salvage,) = read_salvages(path)
        with open_salvage(path, salvage, read=read, keep_raw=keep_raw, throttle=lambda: None) as opened:
            first = next(opened.groups)
        log.commit([first])
        log.commit([first])
    assert rows(path, "SELECT count(*) FROM delivery") == [(GROUP_SIZE,)]
    assert counts(path)[0] == GROUP_SIZE


def test_one_callback_that_cannot_be_stored_costs_no_other(path: Path) -> None:
    start_new_log(path)
    poison = Append(job(1).callback, read(job(1).callback), quiet=True)
    poison = Append(poison.callback, (poison.alerts[0], *[_poisoned(one) for one in poison.alerts]), quiet=True)
    group = SalvageGroup(read_folder(path), 0, 3, 3, (job(0), poison, job(2)), keep_raw)
    with writing(path) as log:
        log.commit([BeginSalvage(path, NOON)])
        (result,) = log.commit([group])
        assert not isinstance(result, Exception)
    assert counts(path) == (3, 0, 0)
    with reading(path) as reader:
        assert [one.alert.kind for one in reader.alerts(limit=None, after=0)].count(UNRECOGNISED) == 1


def read_folder(path: Path) -> str:
    return next(iter(quarantine_of(path).iterdir())).name


def _poisoned(alert: Any) -> Any:
    from dataclasses import replace  # noqa: PLC0415

    from trayalert.domain.incident.alert import Identity  # noqa: PLC0415

    return replace(alert, at=2**70, identity=Identity(text="poison", timed=True))


@pytest.mark.parametrize("after", [1, 150, 300])
def test_a_kill_in_the_middle_loses_nothing_and_doubles_nothing(path: Path, after: int) -> None:
    before = rows(path, CONTENT)
    start_new_log(path)
    running = multiprocessing.get_context("spawn").Process(target=_salvage_slowly, args=(path,))
    running.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and rows(path, "SELECT count(*) FROM delivery")[0][0] < after:
        time.sleep(0.01)
    assert running.pid
    os.kill(running.pid, signal.SIGKILL)
    running.join()
    assert after <= rows(path, "SELECT count(*) FROM delivery")[0][0] < COUNT
    salvage_offline(path, now=NOON)
    assert rows(path, CONTENT) == before
    assert counts(path) == (COUNT, 0, 0)


def _salvage_slowly(path: Path) -> None:
    with offline_jobs(path) as run_job:

        def slowly(job: Job) -> tuple[Event, ...]:
            changes = run_job(job)
            time.sleep(0.1)
            return changes

        salvage_all(path, slowly, now=NOON)


@pytest.mark.parametrize("damaged", [False, True])
def test_the_outcome_that_was_written_in_english_can_be_translated(path: Path, damaged: bool) -> None:
    if damaged:
        overwrite_page(path, leaves(path)[-1])
    folder = start_new_log(path)
    (sentence,) = salvage_offline(path, now=NOON)
    (salvage,) = read_salvages(path)

    assert phrase_to_text(read_outcome(path, salvage)) == phrase_to_text(sentence)
    write_salvage_result(folder, "3 of 3 came back.")
    assert phrase_to_text(read_outcome(path, salvage)) == "3 of 3 came back."
