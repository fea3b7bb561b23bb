"""`trayalert expected`, with a running instance and without one."""

from pathlib import Path

import pytest

from tests.program import run
from tests.storage.making import NOON, append, read, store
from trayalert.callbacks.silence import SilenceStatus, silence_callback
from trayalert.domain.settings.expected_callback import ExpectedCallback

CAME = "2026-09-21T14:13:20.000Z"
SETTINGS = """
[[expected]]
name = "备份"
hours = 25
rule = "CPU"

[[expected]]
name = "heartbeat"
hours = 0.5
level = "CRITICAL"
kind = "sls"
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    heartbeat = ExpectedCallback(name="heartbeat", hours=0.5, kind="sls")
    silent = silence_callback(heartbeat, SilenceStatus.SILENT, last_at=None, at=NOON, now=NOON)
    store(tmp_path / "trayalert.db", append(), read(silent))
    return tmp_path


def test_they_are_listed_for_scripts_and_for_people(data_dir: Path) -> None:
    done = run("expected", "--json", data_dir=data_dir)

    assert (done.status, done.err) == (0, "")
    assert done.objects == [
        {"name": "备份", "hours": 25.0, "level": "WARN", "last_at": CAME, "due_at": None, "state": "ok"},
        {"name": "heartbeat", "hours": 0.5, "level": "CRITICAL", "last_at": None, "due_at": None, "state": "silent"},
    ]
    head, *lines = run("expected", data_dir=data_dir).lines
    assert head.split() == ["NAME", "HOURS", "LEVEL", "LAST", "CALLBACK", "DUE", "STATE"]
    assert lines[1].split() == ["heartbeat", "0.5", "CRITICAL", "never", "-", "silent"]


def test_a_silence_is_listed_as_any_alert_and_is_no_callback(data_dir: Path) -> None:
    (silent,) = [one for one in run("alerts", "--json", data_dir=data_dir).objects if one["kind"] == "silence"]
    assert (silent["state"], silent["name"], silent["sender"]) == ("ALERT", "heartbeat", None)
    assert silent["message"] == "No callback of heartbeat for 0.5 h (none yet)"
    assert silent["console_url"] is None
    (status,) = run("status", "--json", data_dir=data_dir).objects
    assert (status["last_callback_at"], status["open_incidents"]) == (CAME, 2)
    assert "Silent for 0.5 h, none yet" in run("incidents", data_dir=data_dir, LANG="C.UTF-8", LC_ALL=None).out
    assert "heartbeat" in run("export", "--format", "csv", data_dir=data_dir).out


def test_with_no_settings_and_no_log_there_is_nothing_to_list(tmp_path: Path) -> None:
    done = run("expected", data_dir=tmp_path)
    assert (done.status, done.out) == (0, "")
    assert "nothing is expected" in done.err
    assert run("expected", "--json", data_dir=tmp_path).objects == []
