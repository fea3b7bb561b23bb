"""The disk fails under the whole program: the sender gets 503, the state says why, and no restart is needed."""

import contextlib
import errno
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.program import UNPRIVILEGED, ServeProcess, post, serving, wait_for
from tests.soak.harness.disk import Disk
from tests.soak.harness.load import alert, sound, stored_resources
from tests.storage.damage import PAGE, big_log, overwrite
from trayalert.app.control.control_protocol import GetStatus, ask
from trayalert.app.control.ownership import own_data_dir
from trayalert.app.platform.places import find_places
from trayalert.storage.companion_files import quarantine_of, reserve_file_of
from trayalert.storage.file.disk_space import RESERVE_SIZE, create_reserve_file


@contextmanager
def on(folder: Path) -> Iterator[tuple[ServeProcess, Disk]]:
    """Run the program on a disk that fails on command. Its output on stderr may hold anything but a traceback."""
    data = folder / "data"
    data.mkdir()
    disk = Disk(data, folder / "disk")
    with serving(data, **disk.environment()) as running:
        yield running, disk
        assert "Traceback" not in running.end().err


def state(running: ServeProcess) -> dict[str, Any]:
    answer = ask(find_places(str(running.data_dir)).socket, GetStatus())
    assert answer
    log_state: dict[str, Any] = answer["running"]["log_state"]
    return log_state


def heal(running: ServeProcess, name: str) -> None:
    """Send a callback again and again, as Cloud Monitor does, until it is accepted."""
    wait_for(lambda: post(running.url, alert(name)) == 200, deadline=6)
    assert (state(running)["storing"], state(running)["problems"]) == (True, [])


FAULTS: dict[str, tuple[dict[str, int], str]] = {
    "no room": ({"room": 0}, "is full: callbacks are refused (503)"),
    "a write fails": ({"write_error": errno.EIO}, "the disk fails"),
    "a sync fails": ({"sync_error": errno.EIO}, "the disk fails (disk I/O error, SQLITE_IOERR_FSYNC)"),
    "read-only": ({"write_error": errno.EROFS}, "cannot be "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_503_and_told_and_heals_with_no_restart(tmp_path: Path, fault: str) -> None:
    numbers, problem = FAULTS[fault]
    with on(tmp_path) as (running, disk):
        assert post(running.url, alert("before")) == 200
        disk.set(**numbers)
        begun = time.monotonic()
        statuses = [post(running.url, alert(f"meanwhile-{number}")) for number in range(6)]
        assert set(statuses) == {503}
        assert time.monotonic() - begun < 4
        assert not state(running)["storing"]
        assert problem in state(running)["problems"][0]
        disk.set(room=-1, write_error=0, sync_error=0)
        wait_for(lambda: state(running)["storing"], deadline=6)  # no callback arrives meanwhile
        heal(running, "after")

    log = running.data_dir / "trayalert.db"
    assert {"before", "after"} <= stored_resources(log)
    assert sound(log)


def test_a_disk_that_cannot_be_read_at_the_start_is_503_and_told_and_heals_with_no_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with serving(data) as running:
        assert post(running.url, alert("before")) == 200
    disk = Disk(data, tmp_path / "disk")
    disk.aim(".db")
    disk.set(read_error=errno.EIO)
    with serving(data, **disk.environment()) as running:
        assert post(running.url, alert("meanwhile")) == 503
        assert not state(running)["storing"]
        assert "the disk fails" in state(running)["problems"][0]
        disk.set(read_error=0)
        heal(running, "after")
        running.end()

    assert stored_resources(data / "trayalert.db") == {"before", "after"}
    assert not quarantine_of(data / "trayalert.db").exists()


def test_the_ballast_stores_callbacks_on_a_disk_that_is_full(tmp_path: Path) -> None:
    with on(tmp_path) as (running, disk):
        reserve_file = reserve_file_of(running.data_dir / "trayalert.db")
        wait_for(lambda: reserve_file.exists() and reserve_file.stat().st_size == RESERVE_SIZE, deadline=10)
        disk.set(room=0)
        assert [post(running.url, alert(f"i-{number}")) for number in range(40)] == [200] * 40
        assert not reserve_file.exists()

    assert len(stored_resources(running.data_dir / "trayalert.db")) == 40


def test_the_ballast_opens_the_log_on_a_disk_that_is_full_at_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    disk = Disk(data, tmp_path / "disk")
    with serving(data) as running:
        assert post(running.url, alert("i-1")) == 200
    create_reserve_file(data / "trayalert.db")
    disk.set(room=0)
    with serving(data, **disk.environment()) as running:
        assert post(running.url, alert("i-2")) == 200
        running.end()

    assert stored_resources(data / "trayalert.db") == {"i-1", "i-2"}


def test_a_slow_disk_is_503_in_time_and_told(tmp_path: Path) -> None:
    with on(tmp_path) as (running, disk):
        disk.set(sync_delay_ms=60_000)
        begun = time.monotonic()
        assert post(running.url, alert("slow")) == 503
        assert time.monotonic() - begun < 5
        assert "is slow" in state(running)["problems"][0]
        disk.set(sync_delay_ms=0)
        wait_for(lambda: state(running)["storing"], deadline=8)

    # the callback was stored after the 503, so a retry is only counted
    assert stored_resources(running.data_dir / "trayalert.db") == {"slow"}


def test_a_log_that_may_not_be_written_at_the_start_is_told_and_taken_when_it_may(tmp_path: Path) -> None:
    log = tmp_path / "trayalert.db"
    with serving(tmp_path) as running:
        assert post(running.url, alert("i-1")) == 200
    log.chmod(0o400)
    with serving(tmp_path, before=UNPRIVILEGED) as running:
        assert post(running.url, alert("i-2")) == 503
        assert not state(running)["storing"]
        assert f"the log {log} cannot be written" in state(running)["problems"][0]
        log.chmod(0o600)
        heal(running, "i-3")
        running.end()

    assert stored_resources(log) == {"i-1", "i-3"}


def test_a_damaged_file_that_cannot_be_moved_is_tried_again(tmp_path: Path) -> None:
    log = tmp_path / "trayalert.db"
    with serving(tmp_path) as running:
        assert post(running.url, alert("i-1")) == 200
    log.write_bytes(b"garbage" * 999)
    quarantine_of(log).mkdir()
    quarantine_of(log).chmod(0o500)
    with serving(tmp_path, before=UNPRIVILEGED) as running:
        assert post(running.url, alert("i-2")) == 503
        assert "cannot be moved aside" in state(running)["problems"][0]
        quarantine_of(log).chmod(0o700)
        wait_for(lambda: post(running.url, alert("i-3")) == 200, deadline=6)
        log_state = state(running)
        assert log_state["storing"]
        # the salvage began when the file was moved aside
        assert all("is being salvaged" in one for one in log_state["problems"])
        wait_for(lambda: state(running)["problems"] == [])
        running.end()

    assert stored_resources(log) == {"i-3"}


@pytest.mark.timeout(600)
def test_a_kill_at_any_step_of_making_the_log_leaves_what_the_next_start_can_use(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    log = data / "trayalert.db"
    disk = Disk(data, tmp_path / "disk")
    disk.aim("")
    killed = 0
    # a step is a write, a sync, a new file, a rename, ...
    for kill in ({"kill_at_step": number} for number in range(1, 90, 11)):
        for path in data.glob("trayalert.db*"):
            path.unlink()
        disk.set(writes=0, steps=0, **kill)
        with contextlib.suppress(AssertionError), serving(data, **disk.environment()) as running:
            running.end(signal.SIGKILL)
        killed += disk.get("steps") >= kill["kill_at_step"]
        disk.set(kill_at_step=0)
        with serving(data) as running:
            assert post(running.url, alert("i-new")) == 200
        assert "i-new" in stored_resources(log)
        assert sound(log)
    assert killed > 3


def test_damage_that_only_a_reader_can_see_is_told_to_the_running_program(tmp_path: Path) -> None:
    """A writer that only appends to the file never reads the damaged pages in its middle."""
    data = tmp_path / "data"
    data.mkdir()
    log = data / "trayalert.db"
    big_log(log)
    with serving(data) as running:
        wait_for(lambda: post(running.url, alert("live")) == 200)
        pages = log.stat().st_size // PAGE
        for page in range(10, pages // 2):
            overwrite(log, page * PAGE, b"\xff" * 512)
        assert running.run("status").status == 0
        wait_for(lambda: any("was damaged" in news for news in state(running)["news"]), deadline=8)
        wait_for(lambda: state(running)["storing"] and not state(running)["salvaging"], deadline=20)
        assert post(running.url, alert("after")) == 200
        assert "Traceback" not in running.end().err
    assert {"live", "after"} <= stored_resources(log)


def test_a_lock_that_cannot_tell_who_owns_it_is_a_lock(tmp_path: Path) -> None:
    full = tmp_path / "lock"
    full.symlink_to("/dev/full")
    with own_data_dir(full, "serve"):
        pass
