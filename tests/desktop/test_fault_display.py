"""How faults appear to the user at the desktop: a log that cannot be used, a kill, a crash of the program."""

import errno
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.desktop.harness.application import Application, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.overheard import Overheard
from tests.desktop.harness.session import Desktop
from tests.soak.harness.disk import Disk
from tests.storage.making import append, store

pytestmark = pytest.mark.desktop


@pytest.fixture
def folder(tmp_path: Path, desktop: Desktop) -> Iterator[Path]:
    """Yield a folder for an application, and wait at the end until the tray is empty again."""
    yield tmp_path
    wait_until(lambda: not desktop.tray_items(), "the tray is empty again")


def set_version(log: Path, version: int) -> int:
    with closing(sqlite3.connect(log)) as connection:
        before: int = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute(f"PRAGMA user_version = {version}")
    return before


def test_a_log_of_a_newer_trayalert_leaves_a_blind_tray_that_says_so_and_heals(
    desktop: Desktop, folder: Path, overheard: Overheard
) -> None:
    log = folder / "data" / "trayalert.db"
    log.parent.mkdir(mode=0o700)
    store(log, append("i-1"))
    ours = set_version(log, 99)
    running = Application(desktop, folder)
    try:
        running.wait_for_tooltip("Blind", "it was written by a newer trayalert", "Unknown what is open")
        wait_until(lambda: "trayalert cannot store alerts" in overheard.titles(), "it is told")
        status = running.status()
        assert (status["running"], status["storing"], status["reach"]) == (True, False, "blind")
        assert "newer trayalert" in status["log_problems"][0]

        set_version(log, ours)

        running.wait_for_tooltip("1 open", "Reach unknown")
        assert running.post(threshold()) == 200
        wait_until(lambda: "trayalert stores alerts again" in overheard.titles(), "the end of it is told")
        assert running.end() == 0
    finally:
        running.stop()


FAULTS = {
    "full": ({"room": 0}, "is full: callbacks are refused (503)"),
    "failing": ({"sync_error": errno.EIO}, "the disk fails"),
    "slow": ({"sync_delay_ms": 60_000}, "the disk of the log is slow"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_that_fails_is_seen_in_tray_notification_and_status_and_heals(
    desktop: Desktop, folder: Path, overheard: Overheard, fault: str
) -> None:
    numbers, expected = FAULTS[fault]
    (folder / "data").mkdir(mode=0o700)
    disk = Disk(folder / "data", folder / "disk")
    running = Application(desktop, folder, env=disk.environment())
    try:
        assert running.post(threshold("i-1")) == 200
        running.wait_for_tooltip("1 open", "Reach unknown")
        disk.set(**numbers)
        assert running.post(threshold("i-2")) == 503
        running.wait_for_tooltip("Blind", expected)
        wait_until(lambda: "trayalert cannot store alerts" in overheard.titles(), "it is told")
        assert expected in running.status()["log_problems"][0]
        disk.set(room=-1, sync_error=0, sync_delay_ms=0)
        running.wait_for_tooltip("Reach unknown")
        wait_until(lambda: "trayalert stores alerts again" in overheard.titles(), "the end of it is told")
        assert running.post(threshold("i-3")) == 200
        assert running.end() == 0
    finally:
        running.stop()


def test_a_control_socket_that_cannot_be_made_keeps_no_alert_out(desktop: Desktop, folder: Path) -> None:
    socket = folder / "data" / "control.sock"
    socket.mkdir(parents=True)
    running = Application(desktop, folder)
    try:
        running.wait_for_tooltip("Reach unknown", "control socket")
        assert "listening on http" in running.output()
        socket.rmdir()
        wait_until(running.answers, "it is tried again")
        assert running.post(threshold()) == 200
        wait_until(lambda: "control socket" not in running.tray.tooltip, "it is no trouble any more")
        assert running.end() == 0
    finally:
        running.stop()


def test_a_data_dir_that_cannot_be_used_leaves_a_blind_tray_and_it_begins_when_it_can(
    desktop: Desktop, folder: Path
) -> None:
    (folder / "data").mkdir(mode=0o700)
    (folder / "data" / "secrets.json").write_text("{")
    running = Application(desktop, folder)
    try:
        running.wait_for_tooltip("Blind", "Unknown what is open", "the secret in")
        running.window()
        assert "the secret in" in running.error_output()
        (folder / "data" / "secrets.json").unlink()
        assert running.post(threshold()) == 200
        running.wait_for_tooltip("1 open")
        assert running.end() == 0
    finally:
        running.stop()


def test_a_tray_that_cannot_begin_ends_on_request(desktop: Desktop, folder: Path) -> None:
    (folder / "data").write_text("in the way")
    running = Application(desktop, folder)
    try:
        running.wait_for_tooltip("Blind", "cannot be made")
        assert running.end() == 0
    finally:
        running.stop()


def started(desktop: Desktop, folder: Path) -> tuple[Application, float]:
    """Return an application whose listener is open, and the seconds that its start took."""
    (folder / "stdout").write_text("")  # clear the output of an earlier start
    begun = time.monotonic()
    running = Application(desktop, folder)
    wait_until(lambda: "listening on http" in running.output(), "the door is open")
    return running, time.monotonic() - begun


@pytest.mark.alone
def test_after_kill_9_the_next_tray_accepts_within_2_s(desktop: Desktop, folder: Path) -> None:
    for _ in range(2):
        killed, _took = started(desktop, folder)
        try:
            assert killed.post(threshold()) == 200
            os.kill(killed.pid, signal.SIGKILL)
            killed.status_at_end()
        finally:
            killed.stop()
        running, took = started(desktop, folder)
        try:
            assert running.post(threshold()) == 200
            assert took < 2
            assert running.end() == 0
            assert running.error_output() == ""
        finally:
            running.stop()
    assert not list((folder / "data" / "crashes").glob("crash-*"))


FAILING = """
import sys
from PySide6.QtCore import QTimer
from trayalert.ui.main_ui import MainUi
start = MainUi.start
def fail(where):
    raise RuntimeError("a bug in " + where)
def failing(self, **how):
    start(self, **how)
    QTimer.singleShot(300, lambda: fail("a slot"))
    if sys.argv[-1] == "end":
        fail("the UI")
MainUi.start = failing
from trayalert.cli import main
how = sys.argv[-1]
main(args=sys.argv[1:-1], prog_name="trayalert")
"""


def test_a_crash_of_the_ui_is_reported_at_the_next_start(desktop: Desktop, folder: Path, overheard: Overheard) -> None:
    arguments = ["--port", "0", "--data-dir", str(folder / "data"), "end"]
    running = Application(desktop, folder, command=[sys.executable, "-c", FAILING, *arguments])
    try:
        assert running.status_at_end(20) == 1
        (path,) = (folder / "data" / "crashes").iterdir()
        assert "RuntimeError: a bug in the UI" in path.read_text()
        (line,) = running.error_output().splitlines()
        assert line.endswith(f"What happened is in {path}. Start it again.")
        assert not (folder / "data" / "control.sock").exists()  # the receiver has closed normally
    finally:
        running.stop()
    running = Application(desktop, folder)
    try:
        running.wait_for_tooltip("trayalert crashed at")
        wait_until(lambda: "trayalert crashed" in overheard.titles(), "it is told")
        assert running.end() == 0
        assert running.error_output().splitlines() == [line]
    finally:
        running.stop()


def test_a_slot_that_fails_ends_nothing_and_is_written_down(desktop: Desktop, folder: Path) -> None:
    arguments = ["--port", "0", "--data-dir", str(folder / "data"), "go on"]
    running = Application(desktop, folder, command=[sys.executable, "-c", FAILING, *arguments])
    try:
        crashes = folder / "data" / "crashes"
        path = wait_until(lambda: next(crashes.glob("error-*.txt"), None), "the fault is written down")
        assert "RuntimeError: a bug in a slot" in path.read_text()
        assert running.post(threshold()) == 200
        running.wait_for_tooltip("1 open")
        assert running.error_output().count("Traceback") == 1
        assert running.end() == 0
    finally:
        running.stop()
