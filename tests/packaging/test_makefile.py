"""The targets of make, run in this checkout, whose environment is already set up."""

import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.desktop.harness.desktop_programs import Program, wait_until

ROOT = Path(__file__).parent.parent.parent
STAMP = ROOT / ".venv" / ".installed"


@pytest.fixture
def bare() -> dict[str, str]:
    """An environment without a screen, and without the variables of a make that may have started this test."""
    left_out = {"DISPLAY", "WAYLAND_DISPLAY", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}
    return {name: value for name, value in os.environ.items() if name not in left_out}


def make(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_make_alone_says_what_there_is(bare: dict[str, str]) -> None:
    output = make(env=bare).stdout

    assert re.findall(r"^make (\w+) ", output, re.MULTILINE) == [
        "help", "setup", "run", "test", "lint", "bench", "soak", "package", "translations", "clean",
    ]  # fmt: skip


def test_setup_leaves_what_is_there_as_it_is(bare: dict[str, str]) -> None:
    before = STAMP.stat().st_mtime_ns
    done = make("setup", env=bare)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert STAMP.stat().st_mtime_ns == before


def test_run_with_no_screen_says_so_in_one_line_and_serves(bare: dict[str, str], tmp_path: Path) -> None:
    arguments = [
        "make",
        "--no-print-directory",
        "-C",
        str(ROOT),
        "run",
        f"ARGS=--port 0 --data-dir {tmp_path / 'data'}",
    ]
    program = Program(arguments, env=bare, log=tmp_path / "said")
    try:
        wait_until(lambda: "listening on " in program.log.read_text(), "make run serves", within=30)
        lines = program.log.read_text().splitlines()
        assert lines[0] == (
            "No screen here (DISPLAY and WAYLAND_DISPLAY are not set): running trayalert serve, the receiver alone."
        )
        address = lines[1].removeprefix("listening on ")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, timeout=10)
        refused.value.close()
        assert refused.value.code == 404
    finally:
        program.signal(signal.SIGTERM)
        program.stop(within=10)


class StandIns:
    """Programs to use instead of the programs in .venv/bin. The stand-ins only record how they were called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calls = folder / "calls"
        self._calls.touch()
        for name in ("ruff", "mypy", "lint-imports", "pytest", "trayalert"):
            self.put(name)

    def put(self, name: str, *, status: int = 0) -> None:
        path = self._folder / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >>{self._calls}\necho {name} speaks\nexit {status}\n')
        path.chmod(0o755)

    def make(self, *arguments: str, env: dict[str, str]) -> tuple[bool, list[str], str]:
        """Return whether make succeeded, how the programs were called, and the last line of the output."""
        done = make(*arguments, f"BIN={self._folder}", env=env)
        return done.returncode == 0, self._calls.read_text().splitlines(), done.stdout.splitlines()[-1]


@pytest.fixture
def stand_ins(tmp_path: Path) -> StandIns:
    return StandIns(tmp_path)


BESIDE_OTHERS = "pytest -n 3 --dist loadfile --no-loadscope-reorder -m not alone"
CHECKS = ["ruff check", "ruff format --check", "mypy", "lint-imports"]


def test_run_with_a_screen_starts_the_tray_application(bare: dict[str, str], stand_ins: StandIns) -> None:
    for screen in ("DISPLAY", "WAYLAND_DISPLAY"):
        content, calls, _ = stand_ins.make("run", "ARGS=--port 9000", env=bare | {screen: ":7"})
        assert content
        assert calls[-1] == "trayalert --port 9000"


def test_an_empty_display_is_no_screen(bare: dict[str, str], stand_ins: StandIns) -> None:
    _, calls, _ = stand_ins.make("run", env=bare | {"DISPLAY": "", "WAYLAND_DISPLAY": ""})

    assert calls == ["trayalert serve"]


def test_the_tests_come_after_all_checkers_and_speak_last(bare: dict[str, str], stand_ins: StandIns) -> None:
    content, calls, last = stand_ins.make("test", "ARGS=-k parser", env=bare)

    assert content
    assert calls == [*CHECKS, "pytest -k parser"]
    assert last == "pytest speaks"


def test_all_tests_run_the_last_of_them_alone(bare: dict[str, str], stand_ins: StandIns) -> None:
    content, calls, _ = stand_ins.make("test", env=bare)

    assert content
    assert calls == [*CHECKS, BESIDE_OTHERS, "pytest -m alone"]


@pytest.mark.parametrize(
    ("failing", "called"),
    [
        ("ruff", CHECKS[:1]),
        ("mypy", CHECKS[:3]),
        ("lint-imports", CHECKS),
        ("pytest", [*CHECKS, BESIDE_OTHERS]),
    ],
)
def test_the_first_failure_ends_it(bare: dict[str, str], stand_ins: StandIns, failing: str, called: list[str]) -> None:
    stand_ins.put(failing, status=1)
    content, calls, _ = stand_ins.make("test", env=bare)

    assert not content
    assert calls == called
