"""The PyInstaller bundle, built and started, because only a running program shows what the bundle lacks."""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import types
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.hidden import hiding
from tests.desktop.harness.session import running_desktop, start_x_server
from tests.program import run_in_terminal
from trayalert import __version__
from trayalert.services.presentation.help_pages import read_page

pytestmark = [pytest.mark.frozen, pytest.mark.timeout(600)]

ROOT = Path(__file__).parent.parent.parent
EXPECTED_COMPLAINTS = re.compile(
    # printed by Qt on a desktop without the portal that says whether the desktop is dark
    r"qt\.qpa\.theme\.gnome: dbus reply error: .*|Call (to|for getting) org\.freedesktop\.portal\..* failed .*"
)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of the bundle, built from the spec file that `make package` uses."""
    folder = tmp_path_factory.mktemp("bundle")
    subprocess.run(
        [
            *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"),
            *("--distpath", folder / "dist", "--workpath", folder / "build"),
            ROOT / "packaging" / "trayalert.spec",
        ],
        check=True,
        timeout=300,
    )
    return folder / "dist" / "trayalert" / "trayalert"


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without a screen, whose PATH does not contain this Python."""
    (tmp_path / "home").mkdir()
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"}


class Running:
    """The running program."""

    def __init__(self, arguments: list[str | Path], env: dict[str, str], folder: Path) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(arguments, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def wait_for_address(self) -> str:
        def first_line() -> str | None:
            assert self._process.poll() is None, self._err.read_text()
            line, end, _ = self._out.read_text().partition("\n")
            return line if end else None

        line = wait_until(first_line, "the first line on stdout", within=20)
        assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+", line)
        return line.removeprefix("listening on ")

    def end(self) -> int:
        """End the program with SIGTERM and return its exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(10)

    def has_loaded(self, name: str) -> bool:
        """Return whether the program has loaded a library with `name` in its path."""
        return name in Path(f"/proc/{self._process.pid}/maps").read_text()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def complaints(self) -> list[str]:
        lines = self._err.read_text().splitlines()
        return [line for line in lines if not EXPECTED_COMPLAINTS.fullmatch(line)]


def files_of(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def ask(program: Path, *arguments: str | Path, env: dict[str, str]) -> str:
    """Run a command of the bundle, check that it succeeds and prints no error, and return its output."""
    done = subprocess.run([program, *arguments], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def serving(program: Path, machine: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    running = Running([program, "serve", "--port", "0", "--data-dir", tmp_path / "data"], machine, tmp_path)
    yield running
    running.kill()


def test_it_says_its_version(program: Path, machine: dict[str, str]) -> None:
    assert __version__ in ask(program, "--version", env=machine)


def test_every_resource_is_inside(program: Path) -> None:
    here, inside = ROOT / "resources", program.parent / "_internal" / "trayalert" / "_resources"

    assert files_of(inside) == {path for path in files_of(here) if path.suffix != ".po"}


def test_it_speaks_chinese(program: Path, machine: dict[str, str]) -> None:
    assert ask(program, "--help", env=machine | {"LANG": "zh_CN.UTF-8"}).startswith("用法：")

    translations = program.parent / "_internal" / "PySide6" / "Qt" / "translations"
    assert [path.name for path in translations.iterdir()] == ["qtbase_zh_CN.qm"]


def test_the_help_is_printed_with_and_without_a_terminal(program: Path, machine: dict[str, str]) -> None:
    title = read_page("settings").title
    assert ask(program, "help", "settings", env=machine).startswith(f"# {title}\n")

    environment = machine | {"PAGER": "cat", "TERM": "xterm-256color"}
    shown = run_in_terminal([program, "help", "settings"], columns=80, env=environment)
    assert shown.status == 0
    assert shown.out.startswith(title)


def test_what_was_trimmed_away_left_no_link_that_leads_nowhere(program: Path) -> None:
    assert [path for path in program.parent.rglob("*") if path.is_symlink() and not path.exists()] == []


def test_the_receiver_takes_an_alert_and_shows_it(
    program: Path, machine: dict[str, str], serving: Running, tmp_path: Path
) -> None:
    serving.wait_for_address()
    ask(program, "send", "--data-dir", tmp_path / "data", env=machine)

    (alert,) = map(
        json.loads, ask(program, "alerts", "--json", "--data-dir", tmp_path / "data", env=machine).splitlines()
    )
    assert alert["kind"] == "threshold"
    assert alert["console_url"].startswith("https://")  # made from a table in `resources/`
    status = json.loads(ask(program, "status", "--json", "--data-dir", tmp_path / "data", env=machine))
    assert status["running"] is True
    assert status["http_parser"] == "c"
    assert serving.has_loaded("libsqlite3")
    assert not serving.has_loaded("libQt6")
    assert serving.end() == 0
    assert serving.complaints() == []


def test_its_tunnel_outlives_no_kill_and_prometheus_is_answered(
    program: Path, machine: dict[str, str], tmp_path: Path
) -> None:
    number = tmp_path / "pid"
    command = ["/bin/sh", "-c", f"echo at http://127.0.0.1:9; echo $$ >{number}; exec sleep 1000"]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "settings.toml").write_text(
        f'metrics_port = 0\n[tunnel]\nkind = "command"\ncommand = {json.dumps(command)}\nurl_pattern = "at (http://.+)"\n'
    )
    running = Running([program, "serve", "--port", "0", "--data-dir", tmp_path / "data"], machine, tmp_path)
    try:
        running.wait_for_address()
        pid = wait_until(lambda: number.read_text().strip() if number.exists() else "", "the tunnel is started")

        def status() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(
                ask(program, "status", "--json", "--data-dir", tmp_path / "data", env=machine)
            )
            return found

        wait_until(lambda: status()["tunnel"]["url"] == "http://127.0.0.1:9", "its address is found")
        port = wait_until(lambda: status()["metrics_port"], "the port for metrics is open")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert b"trayalert_reach" in answer.read()
    finally:
        running.kill()
    wait_until(lambda: not Path("/proc", pid).exists(), "the tunnel has ended")


@pytest.mark.desktop
def test_the_tray_application_takes_an_alert_to_the_browser_and_ends_when_told(
    program: Path, machine: dict[str, str], tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\n{{ echo "$1"; env; }} >{seen}.part && mv {seen}.part {seen}\n')
    browser.chmod(0o755)
    with running_desktop(panel="xfce4-panel", notifier="xfce4-notifyd") as desktop:
        environment = desktop.env | machine | {"BROWSER": str(browser), "LD_LIBRARY_PATH": "/own"}
        running = Running([program, "--port", "0", "--data-dir", tmp_path / "data"], environment, tmp_path)
        try:
            running.wait_for_address()
            wait_until(desktop.tray_items, "the tray has an icon")
            ask(program, "send", "--data-dir", tmp_path / "data", env=environment)
            desktop.click_notification_button()
            wait_until(seen.exists, "the browser is started")
            link, *variables = seen.read_text().splitlines()
            assert link.startswith("https://ecs.console.aliyun.com/")
            assert "LD_LIBRARY_PATH=/own" in variables
            assert running.end() == 0
            assert running.complaints() == []
        finally:
            running.kill()


@pytest.mark.desktop
@pytest.mark.parametrize(
    ("hidden", "package"),
    [("libGL.so.1", "libgl1"), ("libglib-2.0.so.0", "libglib2.0-0"), ("libxcb-cursor.so.0", "libxcb-cursor0")],
)
def test_a_missing_library_is_a_sentence_with_its_package(
    program: Path, machine: dict[str, str], hidden: str, package: str
) -> None:
    """The message is the same as in a virtual environment, whether or not the bundle contains the library."""
    server, display = start_x_server()
    try:
        lacking = machine | {"DISPLAY": display} | hiding(hidden)
        done = subprocess.run([program], env=lacking, capture_output=True, text=True, timeout=30, check=False)
    finally:
        server.terminate()
        server.wait(10)

    message = f"the library {hidden} is missing, which Qt needs (Debian and Ubuntu: apt install {package})."
    assert done.stderr == f"trayalert: {message} To receive without a screen, run: trayalert serve\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_what_it_starts_finds_its_own_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}
    stand_in = types.ModuleType("trayalert.__main__")
    stand_in.main = lambda: seen.update(os.environ)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "trayalert.__main__", stand_in)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/own")
    for name in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):
        monkeypatch.setenv(name, "/bundle")
    monkeypatch.setenv("QT_QPA_PLATFORMTHEME", "own")

    runpy.run_path(str(ROOT / "packaging" / "frozen.py"))

    assert (seen["LD_LIBRARY_PATH"], seen["QT_QPA_PLATFORMTHEME"]) == ("/own", "own")
    assert not {"LD_LIBRARY_PATH_ORIG", "QT_PLUGIN_PATH", "QML2_IMPORT_PATH"} & seen.keys()
