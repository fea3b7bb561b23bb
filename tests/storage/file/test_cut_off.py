"""A write that a power cut has cut off: the log stays in use, and what can be read of the write is stored."""

import os
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.storage.making import NOON, append, open_log, rows, until, writing
from trayalert.domain.events import Event, IncidentChanged
from trayalert.storage.companion_files import quarantine_of

FRAME = 24 + 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def leave_as_a_kill_does(path: Path, *groups: Sequence[str]) -> list[range]:
    """Store each group in a separate commit, and leave the files as after a kill.

    Return the frames of each group in the `-wal`, counted from 0.
    """
    files = [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")]
    with writing(path) as log:
        log.commit([append("i-before")])
    with writing(path) as log:
        for group in groups:
            assert not [one for one in log.commit([append(name) for name in group]) if isinstance(one, Exception)]
        left = [file.read_bytes() for file in files]
    for file, content in zip(files, left, strict=True):
        file.write_bytes(content)
    wal = left[1]
    marks = [struct.unpack_from(">I", wal, 36 + at)[0] for at in range(0, len(wal) - FRAME, FRAME)]
    ends = [0, *(number + 1 for number, mark in enumerate(marks) if mark)]
    return [range(*ends[at : at + 2]) for at in range(len(ends) - 1)][-len(groups) :]


def spoil(path: Path, frame: int, *, at: int = 24 + 2000) -> None:
    """Overwrite a few bytes of a frame in the `-wal`."""
    with path.with_name(f"{path.name}-wal").open("r+b") as file:
        file.seek(32 + frame * FRAME + at)
        file.write(b"\xa5" * 8)


def stored(path: Path) -> list[str]:
    return [name for (name,) in rows(path, "SELECT resource_id FROM alert ORDER BY id")]


async def test_what_can_be_read_of_a_commit_that_was_cut_off_is_stored_and_told(path: Path) -> None:
    names = [f"i-{number}" for number in range(60)]
    *_, last = leave_as_a_kill_does(path, ["i-1st"], ["i-2nd"], names)
    spoil(path, last[0])
    events: list[Event] = []

    async with open_log(path, announce=events.extend) as log:
        await until(lambda: log.state.news and any(isinstance(event, IncidentChanged) for event in events))
        assert "Callbacks of it that could be read and were taken over: " in log.state.news[0]
        await log.run_job(append("i-after"))

    there = stored(path)
    assert there[:3] == ["i-before", "i-1st", "i-2nd"]
    assert there[-1] == "i-after"
    assert len(set(there) & set(names)) > 30  # all callbacks except those on the overwritten page
    assert len(there) == len(set(there))
    assert not quarantine_of(path).exists()


def test_it_is_taken_over_by_whatever_writes_first(path: Path) -> None:
    *_, last = leave_as_a_kill_does(path, ["i-1"], ["i-2", "i-3"])
    spoil(path, last[-1])

    with writing(path) as log:
        log.commit([append("i-4")])

    assert set(stored(path)) >= {"i-before", "i-1", "i-4"}
    assert len(stored(path)) == len(set(stored(path)))


async def test_a_retry_of_what_was_taken_over_is_a_retry(path: Path) -> None:
    *_, last = leave_as_a_kill_does(path, [f"i-{number}" for number in range(60)])
    spoil(path, last[0])

    async with open_log(path) as log:
        for number in range(60):
            await log.run_job(append(f"i-{number}", came=NOON + 5000))

    assert sorted(stored(path)) == sorted(["i-before", *(f"i-{number}" for number in range(60))])


async def test_damage_before_the_last_commit_is_no_cut_off_write(path: Path) -> None:
    first, *_ = leave_as_a_kill_does(path, ["i-1"], ["i-2"], ["i-3"])
    spoil(path, first[0])

    async with open_log(path) as log:
        assert "its -wal is damaged" in log.state.news[0]

    assert quarantine_of(path).exists()


@pytest.mark.parametrize("left", [0.5, 0.0, None], ids=["half of it", "nothing in it", "no file"])
async def test_a_wal_whose_end_is_gone_is_told(path: Path, left: float | None) -> None:
    """After a kill, someone may truncate the `-wal` between two commits, which SQLite does not notice."""
    wal = path.with_name(f"{path.name}-wal")
    leave_as_a_kill_does(path, *([f"i-{number}"] for number in range(20)))
    if left is None:
        wal.unlink()
    else:
        os.truncate(wal, 32 + int(wal.stat().st_size / FRAME * left) * FRAME if left else 0)

    async with open_log(path) as log:
        assert "The end of the log's -wal is gone" in log.state.news[0]

    assert len(stored(path)) < 20
    assert not quarantine_of(path).exists()


async def test_a_whole_wal_is_no_news(path: Path) -> None:
    leave_as_a_kill_does(path, ["i-1"], ["i-2"])

    async with open_log(path) as log:
        assert log.state.news == ()

    assert stored(path) == ["i-before", "i-1", "i-2"]
