"""Measures start-up time, memory, and CPU use at rest of `serve` and of the tray application."""

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.desktop.harness.application import Application
from tests.desktop.harness.session import running_desktop

STARTS = 7
REST = 60.0
"""Seconds at rest over which CPU time and wake-ups are counted."""


def measure(folder: Path) -> list[Figure]:
    return [*_serve(folder), *_tray(folder)]


def _serve(folder: Path) -> list[Figure]:
    lengths, memory = [], 0.0
    for number in range(STARTS):
        program = Path(sys.executable).with_name("trayalert")
        command: list[str | Path] = [program, "serve", "--port", "0"]
        begun = time.perf_counter()
        with subprocess.Popen([*command, "--data-dir", folder / f"serve-{number}"], stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline().startswith(b"listening on")
            lengths.append(time.perf_counter() - begun)
            time.sleep(1.0)
            memory = max(memory, resident(process.pid))
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0
    note = f"median of {STARTS} starts"
    return [
        Figure("serve: exec to open door", statistics.median(lengths), "s", ("<", 0.4), note),
        Figure("serve: resident", memory, "MB", ("<", 50), "largest"),
    ]


def _tray(folder: Path) -> list[Figure]:
    lengths = []
    with running_desktop() as desktop:
        for number in range(STARTS):
            (folder / f"tray-{number}").mkdir()
            begun = time.perf_counter()
            app = Application(desktop, folder / f"tray-{number}")
            _wait_for_icon(app)
            lengths.append(time.perf_counter() - begun)
            assert app.end() == 0
        (folder / "rest").mkdir()
        app = Application(desktop, folder / "rest")
        _wait_for_icon(app)
        time.sleep(10.0)  # wait until Qt, bus and panel have finished their start
        memory = resident(app.pid)
        cpu, wakeups = _spent(app.pid)
        time.sleep(REST)
        cpu, wakeups = _spent(app.pid)[0] - cpu, _spent(app.pid)[1] - wakeups
        assert app.end() == 0
    return [
        Figure("tray: exec to icon and open door", statistics.median(lengths), "s", ("<", 0.7), f"median of {STARTS}"),
        Figure("tray: resident", memory, "MB", ("<", 100), "XFCE, window never opened"),
        Figure("tray: CPU at rest", 100 * cpu / REST, "%", ("<", 0.05), f"of one core, over {REST:.0f} s"),
        Figure("tray: wake-ups at rest", 10 * wakeups / REST, "per 10 s", ("<=", 1), "all threads"),
    ]


def _wait_for_icon(app: Application) -> None:
    """Wait until the listener is open and the panel has the icon. Polls every 5 ms, as the caller measures the time."""
    while not (app.output().startswith("listening on") and app.desktop.tray_items()):
        assert app.running, app.error_output()
        time.sleep(0.005)


def resident(pid: int) -> float:
    """Return the resident memory of the process in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _spent(pid: int) -> tuple[float, int]:
    """Return the CPU seconds that the process has used, and how often its threads were woken."""
    cpu, wakeups = 0.0, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        cpu += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        status = (task / "status").read_text()
        wakeups += int(status.split("voluntary_ctxt_switches:")[1].split()[0])
    return cpu, wakeups
