"""The two ways in which tests run a command: in a process that the command server forks, and in a new one."""

import errno
import os
from pathlib import Path

import pytest

from tests.command_server import CommandServer
from tests.program import environment, run, wait_for


@pytest.mark.parametrize(
    "command",
    [["--help"], ["--version"], ["nonsense"], ["alerts", "--json"], ["status", "--json"], ["resolve", "1"]],
    ids=lambda command: command[0],
)
def test_a_forked_command_does_what_a_new_process_does(tmp_path: Path, command: list[str]) -> None:
    forked = run(*command, data_dir=tmp_path)
    assert forked == run(*command, data_dir=tmp_path, ANY="changed environment: a new process")


def test_a_relative_data_dir_is_looked_up_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("url", data_dir=Path("here")).status == 0
    assert (tmp_path / "here" / "secrets.json").exists()


def test_a_command_that_hangs_is_ended_and_the_next_one_runs(tmp_path: Path) -> None:
    server = CommandServer(environment())
    version = server.run(["--version"], timeout=60)
    fifo = tmp_path / "callback"
    os.mkfifo(fifo)
    with pytest.raises(TimeoutError):
        # no program writes to the FIFO
        server.run(["send", str(fifo), "--url", "http://127.0.0.1:9/hook/x"], timeout=1)

    wait_for(lambda: not has_reader(fifo))
    assert server.run(["--version"], timeout=60) == version
    server.close()


def has_reader(fifo: Path) -> bool:
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        return error.errno != errno.ENXIO
    return True
