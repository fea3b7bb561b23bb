"""One process owns a data dir: what a second process does, with real processes."""

import subprocess
from pathlib import Path

import pytest

from tests.desktop.harness.application import COMMAND, Application
from tests.desktop.harness.desktop_programs import Program, wait_until
from tests.desktop.harness.session import Desktop

pytestmark = pytest.mark.desktop


def test_a_second_trayalert_raises_the_first_ones_window_and_ends_well(application: Application) -> None:
    assert application.url
    assert application.windows() == []

    second = application.run()

    assert (second.returncode, second.stdout) == (0, "trayalert runs already; its window is shown.\n")
    window = application.window()
    application.desktop.minimise(window)
    wait_until(lambda: not application.windows(), "the window is minimised")
    assert application.run().returncode == 0
    assert application.window().id == window.id


def test_a_second_trayalert_waits_for_a_first_one_that_is_just_starting(desktop: Desktop, tmp_path: Path) -> None:
    first = Application(desktop, tmp_path)
    try:
        wait_until((first.data_dir / "lock").exists, "the first one owns the data dir")
        assert first.run().returncode == 0
        assert first.window()
        assert first.end() == 0
        assert first.error_output() == ""
    finally:
        first.stop()


def test_serve_says_that_the_tray_owns_the_data_dir(application: Application) -> None:
    assert application.url

    second = application.run("serve")

    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == (
        f"trayalert: trayalert (tray, process {application.pid}) uses this data dir already: {application.data_dir}. "
        "End it, or name another --data-dir.\n"
    )
    assert application.answers()


def test_the_tray_says_that_serve_owns_the_data_dir(desktop: Desktop, tmp_path: Path) -> None:
    data_dir = str(tmp_path / "data")
    serving = Program(
        [*COMMAND, "serve", "--port", "0", "--data-dir", data_dir],
        env=desktop.env,
        log=tmp_path / "stderr",
        out=tmp_path / "stdout",
    )
    try:
        wait_until(lambda: "listening" in (tmp_path / "stdout").read_text(), "serve listens")
        second = subprocess.run(
            [*COMMAND, "--data-dir", data_dir], env=desktop.env, capture_output=True, text=True, timeout=20, check=False
        )
        assert (second.returncode, second.stdout) == (1, "")
        assert f"trayalert (serve, process {serving.process.pid}) uses this data dir already" in second.stderr
        assert serving.running
        assert desktop.tray_items() == []
    finally:
        serving.stop()
