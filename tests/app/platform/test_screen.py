"""Without a screen that can be used, the tray application names `trayalert serve`."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.program import run


@pytest.mark.parametrize(
    ("screen", "why"),
    [
        ({}, "there is no screen (DISPLAY and WAYLAND_DISPLAY are not set)."),
        ({"DISPLAY": ":4711"}, "the screen :4711 does not answer."),
        ({"DISPLAY": "nonsense"}, "the screen nonsense does not answer."),
        ({"WAYLAND_DISPLAY": "wayland-4711"}, "the screen wayland-4711 does not answer."),
    ],
)
def test_without_a_screen_the_tray_names_serve(tmp_path: Path, screen: dict[str, str], why: str) -> None:
    done = run(TRAYALERT_DATA_DIR=str(tmp_path / "data"), **{"DISPLAY": None, "WAYLAND_DISPLAY": None} | screen)  # type: ignore[arg-type]

    assert (done.status, done.out) == (2, "")
    assert done.err == f"trayalert: {why} To receive without a screen, run: trayalert serve\n"
    assert not (tmp_path / "data").exists()


def test_a_screen_that_does_not_let_us_in_is_told(tmp_path: Path) -> None:
    """After `su` or `sudo`, the screen may refuse the connection, and Qt would abort the whole process."""
    (tmp_path / "keys").write_bytes(key_file())
    reading, writing = os.pipe()
    arguments = ["Xvfb", "-displayfd", str(writing), "-auth", str(tmp_path / "keys"), "-nolisten", "tcp"]
    with subprocess.Popen(arguments, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        try:
            with os.fdopen(reading) as lines:
                display = f":{lines.readline().strip()}"
            screen = {"DISPLAY": display, "WAYLAND_DISPLAY": None, "XAUTHORITY": "/dev/null"}
            done = run(TRAYALERT_DATA_DIR=str(tmp_path / "data"), **screen)  # type: ignore[arg-type]
        finally:
            server.terminate()

    assert done.status == 2
    assert f"trayalert: the screen {display} belongs to another user" in done.err
    assert "run: trayalert serve" in done.err


def key_file() -> bytes:
    """Return an Xauthority file with one key for every display: family, address, number, name, key."""
    parts = [b"", b"", b"MIT-MAGIC-COOKIE-1", os.urandom(16)]
    return b"\xff\xff" + b"".join(len(part).to_bytes(2, "big") + part for part in parts)
