"""How `trayalert serve` starts and ends, as a service manager and scripts run it."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.app.serve_runs import alert
from tests.program import DEADLINE, ServeProcess, post, run, serving, wait_for
from tests.storage.making import rows


def test_the_first_line_says_where_the_door_is_and_holds_no_secret(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        host, _, port = running.address.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=DEADLINE):
            pass
        done = running.end()

    assert (done.status, done.out, done.err) == (0, "", "")
    assert running.secret not in running.address


@pytest.mark.parametrize("stdout", ["a pipe that nobody reads", "/dev/full"])
def test_it_receives_where_its_first_line_can_go_nowhere(tmp_path: Path, stdout: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    full = os.open("/dev/full", os.O_WRONLY)
    arguments = [sys.executable, "-m", "trayalert", "serve", "--port", "0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(
        arguments, stdout=full if stdout == "/dev/full" else writer, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(lambda: run("status", "--json", data_dir=tmp_path).objects[0]["listening"])
        sent = run("send", data_dir=tmp_path)
        process.terminate()
        _, err = process.communicate(timeout=DEADLINE)
    os.close(writer)
    os.close(full)

    assert (sent.status, process.returncode, err) == (0, 0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_after_an_idle_second_ends_it_well(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as running:
        assert post(running.url, alert("i-1")) == 200
        idle_since = time.monotonic()
        wait_for(lambda: time.monotonic() - idle_since > 1)
        done = running.end(number)

    assert (done.status, done.out, done.err) == (0, "", "")
    assert not (tmp_path / "control.sock").exists()
    assert rows(tmp_path / "trayalert.db", "SELECT count(*) FROM alert") == [(1,)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_cut_the_end_short(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as running:
        assert post(running.url, alert("i-1")) == 200
        while running.process.poll() is None:
            running.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(0.002)  # like a user who holds Ctrl-C
        done = running.end(number)

    assert (done.status, done.err) == (0, "")


def test_visitors_that_stay_do_not_hold_it_up(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        address = running.address.removeprefix("http://").rpartition(":")
        with socket.create_connection((address[0], int(address[2]))) as idle, socket.socket(socket.AF_UNIX) as client:
            idle.sendall(f"GET /hook/{running.secret} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert idle.recv(12) == b"HTTP/1.1 200"
            client.connect(str(tmp_path / "control.sock"))
            done = running.end()

    assert (done.status, done.err) == (0, "")


def test_what_is_under_way_when_it_ends_is_answered_truly(tmp_path: Path) -> None:
    """Each callback that got a 200 is on disk, even if the program was just ending."""
    with serving(tmp_path) as running:
        accepted = posting_until_gone(running)
        wait_for(partial(enough, accepted))
        done = running.end()

    assert (done.status, done.err) == (0, "")
    assert set(accepted) <= stored(tmp_path)


def test_after_a_kill_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    for _ in range(3):
        with serving(tmp_path) as running:  # the lock and the socket of the killed process must not prevent the start
            accepted = posting_until_gone(running)
            wait_for(partial(enough, accepted))
            running.process.kill()
            running.process.wait(DEADLINE)
        assert (tmp_path / "control.sock").exists()
        (state,) = run("status", "--json", data_dir=tmp_path).objects
        assert (state["running"], state["listening"]) == (False, False)
        assert set(accepted) <= stored(tmp_path)
    with closing(sqlite3.connect(tmp_path / "trayalert.db")) as log:
        assert log.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def enough(accepted: list[str]) -> bool:
    return len(accepted) > 50


def posting_until_gone(running: ServeProcess) -> list[str]:
    """Post alerts from four threads until the program ends. Return the list of the alerts that got 200, which grows."""
    accepted: list[str] = []
    url = running.url

    def go_on(name: str) -> None:
        number = 0
        try:
            while post(url, alert(f"{name}-{number}")) == 200:
                accepted.append(f"{name}-{number}")
                number += 1
        except OSError:
            pass

    for turn in range(4):
        threading.Thread(target=go_on, args=(f"{time.monotonic_ns()}-{turn}",), daemon=True).start()
    return accepted


def stored(data_dir: Path) -> set[str]:
    return {name for (name,) in rows(data_dir / "trayalert.db", "SELECT resource_id FROM alert")}


def test_it_runs_with_no_qt(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert post(running.url, alert("i-1")) == 200
        running.run("status")
        loaded = Path(f"/proc/{running.process.pid}/maps").read_text()

    assert "_http_parser" in loaded  # shows that this file lists loaded extension modules
    assert not [name for name in ("PySide6", "shiboken6", "libQt6", "dbus_fast") if name in loaded]


def test_it_runs_where_qt_is_not_even_installed(tmp_path: Path) -> None:
    forbid = (
        "import sys\n"
        "class Nowhere:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] in {'PySide6', 'qasync', 'dbus_fast', 'desktop_notifier'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Nowhere())\n"
    )
    (tmp_path / "sitecustomize.py").write_text(forbid)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    with serving(tmp_path / "data", PYTHONPATH=path) as running:
        assert post(running.url, alert("i-1")) == 200
        assert running.run("status", "--json").objects[0]["alerts"] == 1


def test_an_ipv6_address_stands_in_brackets(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0", "--host", "::1") as running:
        assert running.address.startswith("http://[::1]:")
        assert running.run("send").status == 0
        assert running.run("url").out == f"{running.url}\n"


def test_settings_say_where_the_door_is(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "settings.toml").write_text(f'host = "127.0.0.2"\nport = {port}\n')

    with serving(tmp_path, "--host", "127.0.0.2") as running:
        assert running.address == f"http://127.0.0.2:{port}"


def test_strangers_leave_no_line_and_no_secret_behind(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        host, _, port = running.address.removeprefix("http://").rpartition(":")
        garbage = [
            b"\x16\x03\x01\x02\x00",
            f"GET /hook/wrong?{'x' * 20_000} HTTP/1.1\r\n\r\n".encode(),
            b"POST /hook/wrong HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxx",
            b"POST /hook/wrong HTTP/1.1\r\nContent-Length: 50\r\n\r\n",
        ]
        for content in garbage:
            with socket.create_connection((host, int(port)), timeout=DEADLINE) as connection:
                connection.sendall(content)
        assert post(running.url, alert("i-1")) == 200
        assert running.end().err == ""
