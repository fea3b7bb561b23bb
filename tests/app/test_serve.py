"""`trayalert serve` as a service manager and scripts run it, with signals, kills, bad files and other instances."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.program import DEADLINE, CompletedCommand, ServeProcess, post, run, serving, wait_for
from tests.storage.making import append, locked, rows, store


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    """A running instance for all tests that leave it as it is."""
    with serving(tmp_path_factory.mktemp("shared")) as running:
        yield running


def alert(resource: str, at: int | None = None) -> bytes:
    fields = {
        "alertName": "CPU",
        "alertState": "ALERT",
        "ruleId": "r",
        "dimensions": f"{{instanceId={resource}}}",
        "timestamp": at or time.time_ns() // 1_000_000,
    }
    return urlencode(fields).encode()


def refused(data_dir: Path, *arguments: str, **changes: str | None) -> str:
    """Check that `serve` does not start, and return the sentence that it prints."""
    done = run("serve", "--port", "0", *arguments, data_dir=data_dir, **changes)  # type: ignore[arg-type]
    return sentence(done)


def sentence(done: CompletedCommand) -> str:
    assert (done.status, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert line.startswith("trayalert: ")
    assert line.endswith((".", "?"))
    return line.removeprefix("trayalert: ")


# ---- start and end


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


# ---- the owner of a data dir


def test_a_second_one_says_who_owns_the_data_dir(shared: ServeProcess) -> None:
    assert refused(shared.data_dir) == (
        f"trayalert (serve, process {shared.process.pid}) uses this data dir already: {shared.data_dir}. "
        "End it, or name another --data-dir."
    )
    assert post(shared.url, alert("i-1")) == 200


def test_a_tray_says_so_too(shared: ServeProcess) -> None:
    done = run(data_dir=None, TRAYALERT_DATA_DIR=str(shared.data_dir), QT_QPA_PLATFORM="offscreen")

    assert f"trayalert (serve, process {shared.process.pid}) uses this data dir already" in sentence(done)


def test_a_command_that_changes_something_waits_for_nobody_who_does_not_answer(tmp_path: Path) -> None:
    """Another program holds the lock: the command reports that, and changes nothing."""
    run("url", data_dir=tmp_path)
    before = (tmp_path / "secrets.json").read_text()
    code = (
        "import fcntl, sys; lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print(flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        text = sentence(run("url", "--rotate", data_dir=tmp_path))

    assert text == f"another process uses this data dir already and does not answer: {tmp_path}. End it first."
    assert (tmp_path / "secrets.json").read_text() == before


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert refused(tmp_path, "--port", str(port)) == (
            f"port {port} on 127.0.0.1 is taken by another program. End it, or take another port (--port)."
        )
    with serving(tmp_path, "--port", str(port)):  # the failed start has left nothing behind
        pass


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a..b"])
def test_a_host_that_cannot_be_opened_is_one_sentence(tmp_path: Path, host: str) -> None:
    assert host in refused(tmp_path, "--host", host)


# ---- the control socket


def test_a_data_dir_with_a_very_long_path_has_its_socket_in_the_runtime_folder(tmp_path: Path) -> None:
    data_dir = tmp_path / ("d" * 120) / ("e" * 120)
    with tempfile.TemporaryDirectory(prefix="run-") as folder, serving(data_dir, XDG_RUNTIME_DIR=folder) as running:
        runtime = Path(folder)  # a folder of its own, as a socket's path in tmp_path may be too long
        (name,) = runtime.iterdir()
        assert stat.S_IMODE(name.stat().st_mode) == 0o600
        assert running.run("send").status == 0
        assert running.run("status", "--json").objects[0]["running"] is True
        with serving(tmp_path / ("d" * 120) / ("f" * 120), XDG_RUNTIME_DIR=folder):
            assert len(list(runtime.iterdir())) == 2
        running.end()
        assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("runtime", [None, "/tmp/" + "r" * 90])
def test_with_no_runtime_folder_that_fits_it_lies_in_a_folder_of_our_own(tmp_path: Path, runtime: str | None) -> None:
    with serving(tmp_path / ("d" * 120), XDG_RUNTIME_DIR=runtime, TMPDIR="/tmp") as running:
        folder = Path(f"/tmp/trayalert-{os.getuid()}")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert running.run("status", "--json").objects[0]["running"] is True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder for somebody else")
def test_a_folder_that_somebody_else_has_put_there_is_refused(tmp_path: Path) -> None:
    temporary = Path("/tmp") / f"t{os.getpid()}"
    temporary.mkdir()
    try:
        temporary.chmod(0o1777)
        trap = temporary / "trayalert-0"
        trap.mkdir()
        os.chown(trap, 65534, 65534)
        changes: dict[str, str | None] = {"XDG_RUNTIME_DIR": None, "TMPDIR": str(temporary)}
        data_dir = tmp_path / ("d" * 120)

        assert "belongs to another user" in refused(data_dir, **changes)
        assert "belongs to another user" in run("send", data_dir=data_dir, **changes).err  # type: ignore[arg-type]
    finally:
        (temporary / "trayalert-0").rmdir()
        temporary.rmdir()


def test_only_the_owner_may_ask(shared: ServeProcess) -> None:
    assert stat.S_IMODE((shared.data_dir / "control.sock").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"nonsense\n", b"[]\n", b'{"do": "dance"}\n', b"[" * 5000 + b"\n", b"x" * 200_000]
)
def test_whoever_talks_nonsense_to_it_gets_no_more_than_an_error(shared: ServeProcess, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(str(shared.data_dir / "control.sock"))
        try:
            client.sendall(line)
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(10_000)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert answer == b"" or "error" in json.loads(answer)
    assert shared.run("status", "--json").objects[0]["running"] is True


def test_what_the_instance_cannot_do_is_told_to_who_asked(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert post(running.url, alert("i-1")) == 200
        with locked(tmp_path / "trayalert.db"):
            text = sentence_of_world(running.run("resolve", "1"))
        assert "database is locked" in text
        assert running.run("resolve", "1").status == 0
        done = running.end()

    assert "Traceback" not in done.err


def sentence_of_world(done: CompletedCommand) -> str:
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    return done.err


def test_a_newer_instance_is_understood_as_far_as_it_goes(tmp_path: Path) -> None:
    """After an upgrade, a command may ask an instance of an older or a newer version."""
    store(tmp_path / "trayalert.db")
    listener = {"host": "127.0.0.1", "port": 1, "open": True, "problem": None, "mood": "calm"}
    reply = {"running": {"front": "serve", "pid": 1, "http_parser": "c", "door": listener, "colour": "green"}}
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(tmp_path / "control.sock"))
        control.listen()
        control.settimeout(DEADLINE)

        def answer() -> None:
            client, _ = control.accept()
            with client:
                client.recv(10_000)
                client.sendall(json.dumps(reply).encode() + b"\n")

        answering = threading.Thread(target=answer)
        answering.start()
        (state,) = run("status", "--json", data_dir=tmp_path).objects
        answering.join()

    assert (state["running"], state["port"]) == (True, 1)


# ---- bad files


BAD_SETTINGS = """
port = "many"
hots = "127.0.0.1"
site = "mars"
public_url = "alerts.example.com"
language = 7
"""


def test_all_problems_of_the_settings_are_told_at_once_and_the_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(BAD_SETTINGS)
    with serving(tmp_path) as running:
        problems = running.run("status", "--json").objects[0]["settings_problems"]
        done = running.end()

    assert done.status == 0
    for lines in (problems, [line.removeprefix("trayalert: ") for line in done.err.splitlines()]):
        named = [line.removeprefix(f"{tmp_path}/settings.toml: ").split()[0].strip('"') for line in lines]
        assert named == ["port", "hots", "site", "public_url", "language"]
    assert "is host meant?" in done.err
    assert (tmp_path / "settings.toml").read_text() == BAD_SETTINGS


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe\x00", b"a = " + b"[" * 5000])
def test_settings_that_nobody_can_read_leave_the_defaults(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.toml").write_bytes(content)
    (state,) = run("status", "--json", data_dir=tmp_path).objects

    assert len(state["settings_problems"]) == 1
    assert state["port"] == 8765
    assert (tmp_path / "settings.toml").read_bytes() == content


def make_it_a_file(data_dir: Path) -> None:
    data_dir.rmdir()
    data_dir.write_text("x")


def newer(data_dir: Path) -> None:
    store(data_dir / "trayalert.db", append())
    with closing(sqlite3.connect(data_dir / "trayalert.db")) as log:
        log.execute("PRAGMA user_version = 99")


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "secrets are garbage": (lambda d: (d / "secrets.json").write_bytes(b"\xff"), "the secret in"),
    "secrets are a folder": (lambda d: (d / "secrets.json").mkdir(), "the secret in"),
    "log is newer": (newer, "it was written by a newer trayalert"),
    "lock is a folder": (lambda d: (d / "lock").mkdir(), "the lock"),
    "socket is a folder": (lambda d: (d / "control.sock").mkdir(), "the control socket"),
    "data dir is a file": (make_it_a_file, "cannot be made"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_file_is_one_sentence_and_is_kept(tmp_path: Path, what: str) -> None:
    spoil, expected = BAD_FILES[what]
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    spoil(data_dir)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.[dj][bs]*") if path.is_file()}

    assert expected in refused(data_dir)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "command", [["status"], ["alerts"], ["incidents"], ["resolve", "1"], ["export", "--format", "csv"]]
)
def test_a_log_of_a_newer_program_is_one_sentence_to_every_command(tmp_path: Path, command: list[str]) -> None:
    newer(tmp_path)

    done = run(*command, data_dir=tmp_path)

    assert "it was written by a newer trayalert" in (done.out if command == ["status"] else done.err)


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["url"]])
def test_a_data_dir_that_may_not_be_written_is_one_sentence(tmp_path: Path, command: list[str]) -> None:
    tmp_path.chmod(0o500)
    try:
        text = sentence(run(*command, data_dir=tmp_path, privileged=False))
    finally:
        tmp_path.chmod(0o700)

    assert text == f"the data dir {tmp_path} is not writable. Change its rights. Or name another: --data-dir."


@pytest.mark.parametrize("name", ["lock", "secrets.json"])
def test_a_file_of_another_user_is_one_sentence(tmp_path: Path, name: str) -> None:
    """`sudo trayalert` can leave such files behind."""
    with serving(tmp_path) as running:
        running.end(signal.SIGKILL)
    (tmp_path / name).touch()
    (tmp_path / name).chmod(0o000)
    done = run("serve", "--port", "0", data_dir=tmp_path, privileged=False)

    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert str(tmp_path / name) in done.err


@pytest.mark.parametrize("folder", ["~no-such-user/data", "a" * 300])
def test_a_data_dir_that_cannot_be_is_one_sentence_to_every_command(tmp_path: Path, folder: str) -> None:
    for command in (["serve", "--port", "0"], ["url"], ["status"], ["alerts"], ["send"]):
        done = run(*command, TRAYALERT_DATA_DIR=folder if folder[0] == "~" else str(tmp_path / folder))

        assert (done.status, done.out) == (1, "")
        assert done.err.splitlines()[-1].startswith("trayalert: ")


def test_a_log_that_is_just_being_made_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "trayalert.db").touch()

    assert run("status", "--json", data_dir=tmp_path).objects[0]["alerts"] == 0
    assert run("alerts", "--json", data_dir=tmp_path).status == 0


# ---- no screen


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
