"""The control socket: where it is, and what commands say through it."""

import json
import os
import socket
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from tests.app.serve_runs import alert, refused
from tests.program import DEADLINE, CompletedCommand, ServeProcess, post, run, serving
from tests.storage.making import locked, store


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
