"""The state store keeps its values for the next run, and no operation on it raises an exception."""

import json
import logging
import stat
import threading
from pathlib import Path

import pytest

from trayalert.app.platform.places import find_places
from trayalert.app.platform.state_store import StateStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "remembered.json"


def test_what_is_remembered_is_there_in_the_next_run_and_private(path: Path) -> None:
    first = StateStore(path)
    assert first.get("strip") is None
    first.set("strip", {"x": 1, "y": [2, "磁盘"]})
    first.set("setup", True)
    first.set("strip", {"x": 3})

    assert (StateStore(path).get("strip"), StateStore(path).get("setup")) == ({"x": 3}, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    places = find_places(str(path.parent))
    assert places.state_file == path
    assert path in places.private


def test_what_is_the_same_is_not_written_again(path: Path) -> None:
    kept = StateStore(path)
    kept.set("a", {"b": [1]})
    before = path.stat().st_ino
    kept.set("a", {"b": [1]})
    assert path.stat().st_ino == before
    kept.set("a", {"b": [2]})
    assert path.stat().st_ino != before


def test_what_is_given_away_later_changes_nothing(path: Path) -> None:
    value = {"a": [1]}
    kept = StateStore(path)
    kept.set("x", value)
    value["a"].append(2)
    assert kept.get("x") == {"a": [1]}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"7", b"", b'{"a":' + b"[" * 100_000])
def test_a_damaged_file_is_begun_anew_and_told_once(
    path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path.write_bytes(content)
    kept = StateStore(path)
    assert kept.get("a") is None
    kept.set("a", 1)
    assert json.loads(path.read_text()) == {"a": 1}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_what_cannot_be_written_is_kept_and_written_with_the_next(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = path.parent / "gone"
    kept = StateStore(folder / "remembered.json")
    kept.set("a", 1)
    kept.set("b", 2)
    assert (kept.get("a"), kept.get("b")) == (1, 2)
    assert len(caplog.records) == 1
    folder.mkdir()
    kept.set("b", 2)  # the value is unchanged, but not on disk yet
    assert json.loads((folder / "remembered.json").read_text()) == {"a": 1, "b": 2}


def test_two_threads_lose_nothing(path: Path) -> None:
    kept = StateStore(path)

    def work(which: str) -> None:
        for number in range(20):
            kept.set(f"{which}{number}", number)

    threads = [threading.Thread(target=work, args=(which,)) for which in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(path.read_text())) == 40
