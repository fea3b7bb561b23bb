"""Measures how soon the reachability state changes, and how long the recorded gap is after a freeze of a minute."""

import os
import signal
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.program import ServeProcess, serving
from tests.reached import (
    MAX_SECONDS_TO_BLIND,
    MAX_SECONDS_TO_REACHABLE,
    freeze,
    gaps,
    kill,
    reach_of,
    refuse,
    tunnelled_program,
)
from tests.sshd import sshd

ROUNDS = 5
FROZEN = 60.0
_LONGEST = 60.0


def measure(folder: Path) -> list[Figure]:
    """Break and repair the tunnel ROUNDS times in each of three ways. Then freeze the program for a minute."""
    figures = []
    for name, break_it in (("killed", kill), ("frozen", freeze), ("forward refused", refuse)):
        shown, back = 0.0, 0.0
        with (
            sshd(folder / f"sshd-{break_it.__name__}") as server,
            tunnelled_program(server, folder / break_it.__name__) as program,
        ):
            for _ in range(ROUNDS):
                mend = break_it(server)
                shown = max(shown, _until(program, "blind"))
                mend()
                back = max(back, _until(program, "reachable"))
            program.end()
        note = f"{ROUNDS} times, probes each 5 s"
        figures += [
            Figure(
                f"reach, sshd {name}: until blind is shown, the slowest", shown, "s", ("<", MAX_SECONDS_TO_BLIND), note
            ),
            Figure(
                f"reach, sshd {name}: from its return to reachable", back, "s", ("<", MAX_SECONDS_TO_REACHABLE), note
            ),
        ]
    return [*figures, _freeze(folder / "minute")]


def _until(program: ServeProcess, reach: str) -> float:
    """Wait until the reachability state is `reach`, and return the number of seconds that this took."""
    begun = time.monotonic()
    while reach_of(program) != reach and time.monotonic() - begun < _LONGEST:
        time.sleep(0.02)
    return time.monotonic() - begun


def _freeze(data_dir: Path) -> Figure:
    with serving(data_dir) as program:
        os.kill(program.process.pid, signal.SIGSTOP)
        time.sleep(FROZEN)
        os.kill(program.process.pid, signal.SIGCONT)
        begun = time.monotonic()
        while not (found := gaps(program)) and time.monotonic() - begun < _LONGEST:
            time.sleep(0.1)
    length = sum(gap["seconds"] for gap in found if gap["cause"] == "asleep")
    return Figure("a freeze of 60 s: off by, in the list of gaps", abs(length - FROZEN), "s", ("<", 15), "by SIGSTOP")
