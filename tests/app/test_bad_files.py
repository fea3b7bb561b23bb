"""Files that are damaged, of a newer program, or unusable: each is one sentence to every command."""

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.serve_runs import refused, sentence
from tests.program import run, serving
from tests.storage.making import append, store

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
