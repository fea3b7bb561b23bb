"""Only one instance owns a data dir and a port, and any other says which."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.serve_runs import alert, refused, sentence
from tests.program import ServeProcess, post, run, serving


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
