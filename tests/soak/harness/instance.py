"""Runs `trayalert serve` as an admin would run it, with its stderr in a file.

The number of file descriptors can be limited.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.program import DEADLINE, CompletedCommand, environment, run


@dataclass(slots=True)
class Instance:
    """A running `trayalert serve`. `stderr` is the file to which the program's stderr goes."""

    data_dir: Path
    address: str
    stderr: Path
    pid: int

    @property
    def secret(self) -> str:
        value: str = json.loads((self.data_dir / "secrets.json").read_text())["secrets"][0]["value"]
        return value

    @property
    def url(self) -> str:
        return f"{self.address}/hook/{self.secret}"

    @property
    def log(self) -> Path:
        return self.data_dir / "trayalert.db"

    def run(self, *arguments: str, **changes: Any) -> CompletedCommand:
        """Run a trayalert command with the data dir of this program."""
        return run(*arguments, data_dir=self.data_dir, **changes)

    @property
    def log_files(self) -> list[Path]:
        """The files in which the program may log requests: its stderr and its access logs."""
        return [self.stderr, *self.data_dir.glob("access*")]

    @property
    def logged(self) -> int:
        """The total size of all `log_files`, in bytes."""
        return sum(path.stat().st_size for path in self.log_files)

    @property
    def memory(self) -> float:
        """The program's resident memory, in MB (10^6 bytes)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def peak(self) -> float:
        """The peak of the program's resident memory since the last `reset_peak`, in MB."""
        found = re.search(r"^VmHWM:\s*(\d+) kB$", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert found
        return int(found[1]) * 1024 / 1e6

    def reset_peak(self) -> None:
        """Start a new measurement of `peak`. proc(5) documents this reset under `clear_refs`."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def started(
    folder: Path,
    *,
    port: int = 0,
    descriptors: int | None = None,
    module: str = "trayalert",
    umask: int = -1,
    **changes: str,
) -> Iterator[Instance]:
    """Run the program until the block ends, then check that the program exits with status 0.

    The data dir is in `folder`. If `port` is 0, the system chooses a free port. `descriptors` limits the number of file
    descriptors. `module` is the Python module to run, and `changes` sets environment variables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data_dir, stderr = folder / "data", folder / "stderr"
    limits = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}:{descriptors}"]
    command = [*limits, sys.executable, "-m", module, "serve", "--data-dir", str(data_dir), "--port", str(port)]
    with stderr.open("ab") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(**changes), umask=umask
        )
    watch = threading.Timer(DEADLINE * 5, process.kill)  # kill a program that hangs, so that the test fails
    watch.start()
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("listening on http"), (line, stderr.read_text())
        yield Instance(data_dir, line.removeprefix("listening on ").strip(), stderr, process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0, stderr.read_text()
    finally:
        watch.cancel()
        process.kill()
        process.communicate()
