"""`trayalert reparse`, with an instance and without one, stopped and killed in the middle."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.callbacks.other_bodies import CMS2, as_json, changed
from tests.program import DEADLINE, environment, post, run, serving, wait_for
from tests.storage.making import NOON, keep_raw, raw_callback, rows
from trayalert.callbacks.kinds import read_callback
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.writer import Writer

MANY = 3000


def store_unread(log: Path, count: int) -> None:
    """Fill a log as if by a trayalert that cannot read callbacks of CloudMonitor 2.0."""
    writing = Writer(log, read=read_callback, keep_raw=keep_raw)
    jobs = []
    for number in range(count):
        body = as_json(changed(CMS2, id=f"e-{number}", alertEntityId=f"ecs:i-{number}", resource=None))
        one = raw_callback(body, came=NOON + number)
        jobs.append(Append(one, keep_raw(one)))
    assert not any(isinstance(result, Exception) for result in writing.commit(jobs))
    writing.close()


def kinds(data_dir: Path) -> dict[str, int]:
    return dict(rows(data_dir / "trayalert.db", "SELECT kind, count(*) FROM alert GROUP BY kind"))


def reparsing(data_dir: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "trayalert", "--data-dir", str(data_dir), "reparse"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    store_unread(tmp_path / "trayalert.db", 100)
    return tmp_path


def test_with_no_instance_it_reads_all_again_by_itself(data_dir: Path) -> None:
    done = run("reparse", data_dir=data_dir)

    assert (done.status, done.err) == (0, "")
    assert "read again: 100 unrecognised ones are alerts now, 0 others were refreshed\n" in done.out
    assert kinds(data_dir) == {"cms2": 100}
    (again,) = run("reparse", "--json", data_dir=data_dir).objects
    assert again == {"done": 100, "total": 100, "turned": 0, "refreshed": 0, "finished": True}
    assert run("check", data_dir=data_dir).status == 0


def test_a_running_instance_does_it_and_goes_on_receiving(data_dir: Path) -> None:
    with serving(data_dir) as running:
        done = running.run("reparse")
        assert done.status == 0, done.err
        assert "100 unrecognised ones are alerts now" in done.out
        assert post(running.url, as_json(CMS2)) == 200
        (state,) = running.run("status", "--json").objects

    assert (state["unrecognised"], state["alerts"], state["open_incidents"]) == (0, 101, 101)


def test_with_no_log_it_says_so(tmp_path: Path) -> None:
    done = run("reparse", data_dir=tmp_path / "new")

    assert (done.status, done.out) == (1, "")
    assert done.err.endswith("new/trayalert.db yet, and so nothing to read again.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_middle_it_goes_on_from_there(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "trayalert.db"
    store_unread(log, MANY)
    process = reparsing(tmp_path)
    wait_for(lambda: 0 < kinds(tmp_path).get("cms2", 0) < MANY or process.poll() is not None)
    process.send_signal(number)
    _, err = process.communicate(timeout=DEADLINE)
    turned = kinds(tmp_path).get("cms2", 0)
    assert 0 < turned < MANY, "it was over before it could be stopped"
    if number is signal.SIGINT:
        assert process.returncode == 1
        assert err == (
            f"trayalert: stopped at {turned:,} of {MANY:,}: {turned:,} unrecognised ones are alerts now, 0 others were "
            "refreshed. The next run goes on from there.\n"
        )
    ((left,),) = rows(log, "SELECT position FROM reparse")
    assert left == turned

    (done,) = run("reparse", "--json", data_dir=tmp_path).objects

    assert (done["turned"], done["finished"]) == (MANY, True)
    assert kinds(tmp_path) == {"cms2": MANY}
    assert rows(log, "SELECT count(*), min(alerts), max(alerts) FROM incident") == [(MANY, 1, 1)]
