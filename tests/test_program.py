"""The two ways in which tests run a command: in a process that the command server forks, and in a new one."""

from pathlib import Path

import pytest

from tests.program import run


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
