"""Where the tray application collects garbage."""

import socket
import subprocess
import sys
from pathlib import Path

from tests.desktop.harness.application import finish_setup
from tests.program import environment, wait_for

NOTING = """
import gc, sys, threading

noted = open(sys.argv.pop(1), "a", buffering=1)
gc.callbacks.append(lambda phase, _: phase == "start" and noted.write(threading.current_thread().name + "\\n"))
from trayalert.__main__ import main

main()
"""

COUNTING = """
import atexit, gc, pathlib, sys

counted = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: counted.write_text(str(gc.get_freeze_count())))
from trayalert.__main__ import main

main()
"""


def test_serve_excludes_the_objects_of_its_start_from_collection(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    command = [sys.executable, "-c", COUNTING, str(counted), "serve", "--data-dir", str(tmp_path / "data"), "--port"]
    with subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, env=environment()) as serve:
        try:
            assert serve.stdout
            assert serve.stdout.readline().startswith(b"listening on")
        finally:
            serve.terminate()
    assert serve.returncode == 0
    assert int(counted.read_text()) > 10_000


def test_a_flood_is_collected_on_qts_thread_alone(tmp_path: Path) -> None:
    noted, data_dir = tmp_path / "noted", tmp_path / "data"
    finish_setup(data_dir)
    command: list[str | Path] = [
        sys.executable,
        "-c",
        NOTING,
        noted,
        "--data-dir",
        data_dir,
        "--port",
        "0",
        "--minimised",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(QT_QPA_PLATFORM="offscreen", DISPLAY=None)
    ) as tray:
        try:
            assert tray.stdout
            port = int(tray.stdout.readline().rpartition(":")[2])
            before = len(noted.read_text().splitlines())
            for _ in range(3000):
                with socket.create_connection(("127.0.0.1", port)) as stranger:
                    stranger.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    while stranger.recv(4096):
                        pass
            wait_for(lambda: len(noted.read_text().splitlines()) >= before + 3)
        finally:
            tray.terminate()
    assert tray.returncode == 0
    collected_on = noted.read_text().splitlines()
    assert set(collected_on[before:]) == {"MainThread"}
    # the thread `program log` starts before any object of Qt exists
    assert set(collected_on) <= {"MainThread", "program log"}
