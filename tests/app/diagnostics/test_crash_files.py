"""Crash files: what the program writes when it fails, tested in this process and with real processes."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.program import post, run, serving
from trayalert.app.diagnostics.crashes import KEPT, CrashFault, CrashFiles
from trayalert.domain.fault import Fault

SECRET = "s3cret" * 8


@pytest.fixture
def crashes(tmp_path: Path) -> CrashFiles:
    return CrashFiles(tmp_path / "crashes", lambda text: text.replace(SECRET, "***"))


def files(folder: Path, kind: str = "crash") -> list[Path]:
    return sorted((folder / "crashes").glob(f"{kind}-*"))


def fail(words: str) -> None:
    raise RuntimeError(words)


def error_of(words: str) -> Exception:
    try:
        fail(words)
    except RuntimeError as error:
        return error
    raise AssertionError


# ---- the files


def test_what_ends_a_run_is_written_down_masked_and_private(tmp_path: Path, crashes: CrashFiles) -> None:
    with pytest.raises(CrashFault, match="RuntimeError"), crashes.watching("tray"):
        fail(f"with {SECRET} in it")

    (path,) = files(tmp_path)
    text = path.read_text()
    assert "RuntimeError: with *** in it" in text
    assert "in fail" in text
    assert "Python 3." in text
    assert SECRET not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_fault_of_the_world_is_no_crash_and_a_good_end_leaves_nothing(tmp_path: Path, crashes: CrashFiles) -> None:
    with pytest.raises(Fault), crashes.watching("serve"):
        raise Fault("the disk is full.")
    with crashes.watching("serve"):
        pass

    assert list((tmp_path / "crashes").iterdir()) == []


def test_the_next_start_tells_it_until_it_was_seen(tmp_path: Path, crashes: CrashFiles) -> None:
    with pytest.raises(CrashFault), crashes.watching("tray"):
        fail("")
    (path,) = files(tmp_path)

    following = CrashFiles(tmp_path / "crashes", str)
    (sentence,) = following.sentences()
    assert sentence.startswith("trayalert crashed at ")
    assert f"; what happened is in {path}. `trayalert diagnostics`" in sentence
    following.mark_seen()

    assert following.sentences() == ()
    assert CrashFiles(tmp_path / "crashes", str).sentences() == ()
    assert [seen.name for seen in files(tmp_path)] == [path.name.replace(".txt", ".seen.txt")]


def test_no_more_than_ten_are_kept(tmp_path: Path, crashes: CrashFiles) -> None:
    for number in range(KEPT + 5):
        with pytest.raises(CrashFault), crashes.watching("tray"):
            fail(f"crash {number}")

    kept = files(tmp_path)
    assert len(kept) == KEPT
    assert any(f"crash {KEPT + 4}" in path.read_text() for path in kept)


def test_the_same_fault_again_is_told_once_an_hour(
    tmp_path: Path, crashes: CrashFiles, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        crashes.report_error("tray", error_of("again and again"))

    assert len(files(tmp_path, "error")) == 1
    assert len(caplog.records) == 1
    assert CrashFiles(tmp_path / "crashes", str).sentences() == ()  # the run survived the error


def test_what_nobody_waits_for_is_written_down(
    tmp_path: Path, crashes: CrashFiles, caplog: pytest.LogCaptureFixture
) -> None:
    async def forgotten() -> None:
        fail("in a task")

    async def main() -> None:
        crashes.watch_tasks(asyncio.get_running_loop(), "tray")
        task = asyncio.create_task(forgotten())
        await asyncio.wait([task])
        del task
        asyncio.get_running_loop().call_soon(fail, "in a callback")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with crashes.watching("tray"):
        asyncio.run(main())
        thread = threading.Thread(target=fail, args=("in a thread",))
        thread.start()
        thread.join()

    written = "".join(path.read_text() for path in files(tmp_path, "error"))
    # the same line of code fails in all three, so only the first failure is reported
    assert "in a task" in written
    assert "in a callback" not in written
    assert "in a task" in caplog.text


def test_a_folder_that_cannot_be_made_costs_the_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "crashes").write_text("in the way")
    crashes = CrashFiles(tmp_path / "crashes", str)

    with pytest.raises(CrashFault, match="No file could take what happened"), crashes.watching("serve"):
        fail("")
    assert crashes.sentences() == ()


# ---- real processes

FAILING = """
import sys
import trayalert.app.receiver as receiver
async def end(self):
    import asyncio
    await asyncio.sleep(0.5)
    raise ValueError("a bug: " + self.plan.secrets.current)
receiver.Receiver._receive = end
from trayalert.__main__ import main
sys.argv = ["trayalert", "serve", "--port", "0", "--data-dir", sys.argv[1]]
main()
"""


def test_a_bug_ends_serve_with_1_a_sentence_and_a_file_without_the_secret(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )

    (path,) = files(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("trayalert: a fault of its own ended it: ValueError. ")
    assert done.stderr.rstrip().endswith(f"What happened is in {path}. Start it again.")
    assert "Traceback" not in done.stderr
    assert "ValueError: a bug: ***" in path.read_text()
    assert not (tmp_path / "control.sock").exists()  # the receiver has closed normally
    (state,) = run("status", "--json", data_dir=tmp_path).objects
    assert state["crashes"] == [str(path)]


def test_a_fatal_signal_is_told_at_the_next_start_and_a_kill_is_not(tmp_path: Path) -> None:
    for number, found in ((signal.SIGKILL, 0), (signal.SIGSEGV, 1)):
        with serving(tmp_path) as running:
            running.end(number)
        with serving(tmp_path):
            assert len(files(tmp_path)) == found
    (path,) = files(tmp_path)
    assert "Segmentation fault" in path.read_text()
    assert not (tmp_path / "crashes" / "fatal.txt").exists()


@pytest.mark.alone
def test_after_kill_9_the_next_start_accepts_within_2_s(tmp_path: Path) -> None:
    took: list[float] = []
    for _ in range(3):
        with serving(tmp_path) as running:
            assert post(running.url, b"alertName=x") == 200
            os.kill(running.process.pid, signal.SIGKILL)
            running.process.wait()
        begun = time.monotonic()
        with serving(tmp_path) as running:
            assert post(running.url, b"alertName=y") == 200
            took.append(time.monotonic() - begun)
    assert max(took) < 2
