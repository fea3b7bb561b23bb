"""The start of the tray application, with system libraries that are missing and with X servers that reset."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app.doctor_samples import examine_some
from tests.desktop.harness.application import COMMAND
from tests.desktop.harness.desktop_programs import Program, wait_until
from tests.desktop.harness.hidden import hiding
from tests.desktop.harness.session import start_x_server
from tests.program import environment, run, serving

pytestmark = pytest.mark.desktop

NOWHERE = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
"""An environment without a session bus.

Once the tray application has the screen, it reports that there is no session bus, and shows its window.
"""


@contextmanager
def x_server(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """Run an X server, and yield it with the environment that makes a program use it."""
    server, display = start_x_server(*options)
    try:
        yield server, {"DISPLAY": display, "WAYLAND_DISPLAY": None, "XDG_SESSION_TYPE": None, **NOWHERE}
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def screen() -> Iterator[dict[str, Any]]:
    """Yield a plain X server, which resets when its last client disconnects."""
    with x_server() as (_, screen):
        yield screen


# ---- libraries

APT = "Debian and Ubuntu: apt"
MISSING = {
    "libGL.so.1": ("y libGL.so.1 is", f"{APT} install libgl1"),
    "libglib-2.0.so.0": ("y libglib-2.0.so.0 is", f"{APT} install libglib2.0-0"),
    "libstdc++.so.6": ("y libstdc++.so.6 is", f"{APT} install libstdc++6"),
    "libxcb.so.1": ("y libxcb.so.1 is", f"{APT} install libxcb1"),
    "libEGL.so.1 libxkbcommon-x11.so.0 libxcb-cursor.so.0": (
        "ies libEGL.so.1, libxkbcommon-x11.so.0 and libxcb-cursor.so.0 are",
        f"{APT} install libegl1 libxkbcommon-x11-0 libxcb-cursor0",
    ),
    "libpng16.so.16 libfontconfig.so.1": (
        "ies libfontconfig.so.1 and libpng16.so.16 are",
        f"{APT} install libfontconfig1; {APT}-file search libpng16.so.16 finds its package",
    ),
    "libQt6XcbQpa.so.6": ("y libQt6XcbQpa.so.6 is", "libQt6XcbQpa.so.6 comes with PySide6: install trayalert again"),
}


@pytest.mark.parametrize("hidden", MISSING)
def test_a_missing_library_is_a_sentence_with_its_package(tmp_path: Path, screen: dict[str, Any], hidden: str) -> None:
    done = run(TRAYALERT_DATA_DIR=str(tmp_path / "data"), **screen, **hiding(hidden))

    named, cure = MISSING[hidden]
    text = f"trayalert: the librar{named} missing, which Qt needs ({cure})."
    assert done.err == f"{text} To receive without a screen, run: trayalert serve\n"
    assert (done.status, done.out) == (2, "")
    assert not (tmp_path / "data").exists()


def test_a_library_that_is_cut_short_is_reported_as_what_it_is(tmp_path: Path, screen: dict[str, Any]) -> None:
    (tmp_path / "libxcb-cursor.so.0").touch()
    done = run(TRAYALERT_DATA_DIR=str(tmp_path / "data"), **screen, LD_LIBRARY_PATH=str(tmp_path))

    assert done.status == 2
    assert "Qt cannot be loaded: " in done.err
    assert "libxcb-cursor.so.0: file too short (Debian and Ubuntu: apt install --reinstall libxcb-cursor0)." in done.err


def test_only_the_plugin_of_the_screen_that_is_there_has_to_load(tmp_path: Path, screen: dict[str, Any]) -> None:
    lacking = {**screen, "WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": str(tmp_path)}
    lacking |= hiding("libwayland-cursor.so.0")
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(tmp_path / "wayland-7"))
        compositor.listen()
        alone = run("doctor", data_dir=tmp_path, **{**lacking, "DISPLAY": None}).lines[0]
        beside_x = run("doctor", data_dir=tmp_path, **lacking).lines[0]

    assert alone.startswith("fail  screen         the library libwayland-cursor.so.0 is missing, which Qt needs")
    assert beside_x.startswith("ok    screen")


def test_the_doctor_says_the_same_and_serve_needs_none_of_them(tmp_path: Path, screen: dict[str, Any]) -> None:
    lacking = screen | hiding("libGL.so.1", "libglib-2.0.so.0", "libstdc++.so.6")
    tray = run(TRAYALERT_DATA_DIR=str(tmp_path), **lacking)
    doctor = run("doctor", data_dir=tmp_path, **lacking)
    text = doctor.lines[0].removeprefix("fail  screen").strip()
    assert "libGL.so.1" in text
    assert tray.err.startswith(f"trayalert: {text} ")
    assert (doctor.status, doctor.err) == (1, "")

    with serving(tmp_path, **lacking) as serve:
        assert "ok    screen         not needed" in serve.run("doctor").out


# ---- X servers that reset when their last client disconnects


@contextmanager
def started(folder: Path, screen: dict[str, Any], text: str = "No session bus", **changes: str) -> Iterator[None]:
    """Run the application until the block ends, with its window shown, and check that it ends with status 0.

    `text` is what the application prints as soon as it has connected to the screen.
    """
    log = folder / "said"
    arguments = [*COMMAND, "--port", "0", "--data-dir", str(folder / "data")]
    program = Program(arguments, env=environment(**screen, **changes), log=log)

    def there() -> bool:
        assert program.running, log.read_text()
        return text in log.read_text()  # do not ask the X server yet: it would reset when the asking client disconnects

    def shown() -> str:
        search = ["xdotool", "search", "--onlyvisible", "--name", "trayalert"]
        return subprocess.run(search, env=environment(**screen), capture_output=True, text=True, check=False).stdout

    try:
        wait_until(there, "the application is there")
        wait_until(shown, "its window is shown")
        yield
        program.stop()
        assert program.process.returncode == 0, log.read_text()
    finally:
        program.stop()


@pytest.mark.parametrize("in_trouble", [False, True], ids=["", "in trouble"])
def test_the_x_server_has_a_client_from_the_first_look_at_it_until_qt_is_there(
    tmp_path: Path, *, in_trouble: bool
) -> None:
    """`-terminate` makes the X server exit where others reset, so that the test cannot miss a reset.

    `hiding()` is used without a library to hide, which shows that `hidden.c` alone changes nothing.
    """
    if in_trouble:
        (tmp_path / "data").touch()
    text = "cannot be made" if in_trouble else "No session bus"
    with x_server("-terminate") as (server, screen):
        with started(tmp_path, screen, text, **hiding()):
            assert server.poll() is None
        assert server.wait(10) == 0


def test_a_server_that_resets_after_each_start_takes_the_next(tmp_path: Path, screen: dict[str, Any]) -> None:
    for turn in range(3):
        folder = tmp_path / str(turn)
        folder.mkdir()
        with started(folder, screen):
            pass


def test_a_server_that_turns_away_three_times_while_it_resets_is_there(
    tmp_path: Path, screen: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path(f"/tmp/.X11-unix/X{screen['DISPLAY'][1:]}")
    resetting = real.with_name(f"X{10_000 + os.getpid()}")
    turned_away = []

    def reset(listening: socket.socket) -> None:
        # the first connection only checks whether the server listens; the other three are the attempts
        for _ in range(4):
            listening.accept()[0].close()
            turned_away.append(True)
        resetting.unlink()
        resetting.symlink_to(real)

    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", f":{resetting.name[1:]}")
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.settimeout(5)
            listening.bind(str(resetting))
            listening.listen()
            server = threading.Thread(target=reset, args=[listening])
            server.start()
            text = examine_some(tmp_path, "screen")["screen"].said
            server.join()
    finally:
        resetting.unlink()
    assert (text, len(turned_away)) == (f":{resetting.name[1:]} answers.", 4)


OFF_THE_MAIN_THREAD = """
import threading
from trayalert.app.platform import qt_libraries

looking = threading.Thread(target=qt_libraries.find_qt_problem, args=["xcb"])
looking.start()
looking.join()
from PySide6.QtWidgets import QApplication

app = QApplication([])
assert app.eventDispatcher() is not None, "Qt takes another thread for its main one"
"""


def test_looking_for_libraries_on_another_thread_leaves_qt_its_main_thread() -> None:
    code = [sys.executable, "-c", OFF_THE_MAIN_THREAD]
    done = subprocess.run(
        code, env=environment(QT_QPA_PLATFORM="offscreen"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_lines_of_the_doctor_do_not_break_one_another(
    tmp_path: Path, screen: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    for name, value in screen.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    text = {examine_some(tmp_path, "screen", "tray")["screen"].said for _ in range(20)}
    assert text == {f"{screen['DISPLAY']} answers."}
