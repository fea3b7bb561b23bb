"""Kill -9 and power cuts under load: each callback that was answered with 200 is in the log afterwards.

Each proof has a control that must lose callbacks: a program that answers before the commit, and a program with
`PRAGMA synchronous = NORMAL`.
"""

import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import Figure
from tests.program import ServeProcess, post, serving
from tests.soak.harness.disk import Disk
from tests.soak.harness.load import Load, alert, sound, stored_resources

LANES = 12
SYNC_TAKES = 3
"""Milliseconds, as on a laptop's disk. The control loses data only on a slow disk, so both get the same disk."""

EARLY, LAZY = "tests.soak.controls.acks_early", "tests.soak.controls.syncs_less"


@dataclass(slots=True)
class CrashOutcome:
    """The result of several cycles."""

    cycles: int
    acked: int = 0
    lost: list[str] = field(default_factory=list)
    refused: int = 0
    slowest: float = 0.0
    """The longest time from the start of the program to its first 200, in seconds."""
    damaged: int = 0
    """Cycles after which SQLite found damage, plus logs that trayalert moved into quarantine."""
    secrets: set[str] = field(default_factory=set)


def crash(
    folder: Path,
    cycles: int,
    *,
    power_cuts: bool = False,
    module: str = "trayalert",
    seed: int = 1,
    check_every: int = 1,
) -> CrashOutcome:
    """Start the program, put it under load and kill it, `cycles` times on one data dir.

    With `power_cuts`, each kill leaves only what was synced.
    """
    outcome, chance = CrashOutcome(cycles), random.Random(seed)
    data = folder / "data"
    data.mkdir(parents=True)
    disk = Disk(data, folder / "disk", power_cuts=power_cuts)
    disk.set(sync_delay_ms=SYNC_TAKES)
    acked: list[str] = []
    for cycle in range(cycles):
        begun = time.monotonic()
        with serving(data, module=module, **disk.environment()) as instance:
            assert post(instance.url, alert(f"i-first-{cycle}")) == 200
            outcome.slowest = max(outcome.slowest, time.monotonic() - begun)
            acked.append(f"i-first-{cycle}")
            outcome.secrets.add(instance.secret)
            acked += _load_and_kill(instance, f"{cycle}", chance, outcome)
        if power_cuts:
            disk.cut_power(chance if cycle % 2 else None)
        if cycle % check_every == 0 or cycle == cycles - 1:
            outcome.damaged += not sound(data / "trayalert.db")
    outcome.damaged += len(list(data.glob("quarantine/*")))
    disk.set(sync_delay_ms=0)
    with serving(data, **disk.environment()):
        there = stored_resources(data / "trayalert.db")
    outcome.acked, outcome.lost = len(acked), [resource for resource in acked if resource not in there]
    return outcome


def _load_and_kill(instance: ServeProcess, name: str, chance: random.Random, outcome: CrashOutcome) -> list[str]:
    load = Load(instance.url, name)
    with load.running(LANES):
        # the kill must come at a random time, so there is no condition to wait for
        time.sleep(chance.uniform(0.02, 0.25))
        os.kill(instance.process.pid, signal.SIGKILL)
        instance.process.wait()
    outcome.refused += len(load.refused)
    return load.acked


def measure_kills(folder: Path, cycles: int = 300) -> list[Figure]:
    real = crash(folder / "real", cycles, check_every=max(1, cycles // 20))
    control = crash(folder / "control", max(3, cycles // 30), module=EARLY)
    note = f"{cycles} x kill -9, {real.acked} acked"
    return [
        Figure("kill -9: acked and lost", len(real.lost), "alerts", ("<=", 0), note),
        Figure("kill -9: log found damaged", real.damaged, "times", ("<=", 0), "integrity_check"),
        Figure("kill -9: exec to the first 200", real.slowest, "s", ("<", 2), "the slowest start"),
        Figure("control: answers before the commit", len(control.lost), "lost", (">=", 1), f"of {control.acked} acked"),
    ]


def measure_power_cuts(folder: Path, cycles: int = 100) -> list[Figure]:
    real = crash(folder / "real", cycles, power_cuts=True, check_every=max(1, cycles // 20))
    control = crash(folder / "control", max(2, cycles // 20), power_cuts=True, module=LAZY)
    note = f"{cycles} cuts, {real.acked} acked"
    return [
        Figure("power cut: acked and lost", len(real.lost), "alerts", ("<=", 0), note),
        Figure("power cut: log found damaged", real.damaged, "times", ("<=", 0), "integrity_check"),
        Figure("power cut: secrets lost", len(real.secrets) - 1, "", ("<=", 0), "the callback URL stays"),
        Figure("control: synchronous = NORMAL", len(control.lost), "lost", (">=", 1), f"of {control.acked} acked"),
    ]
