"""Starts and controls the stand-in notification daemon, and reads what the daemon has recorded."""

import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

from tests.desktop.harness.desktop_programs import Program, wait_until

CAPABILITIES = ("actions", "body", "body-markup", "icon-static")


_SCRIPT = Path(__file__).with_name("stand_in_notifier.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """One Notify call. `at` is the time of the call, in nanoseconds of CLOCK_MONOTONIC.

    `image` is the image-data hint, in which the number of bytes replaces the bytes.
    """

    at: int
    id: int
    app: str
    replaces: int
    title: str
    body: str
    actions: list[str]
    hints: dict[str, Any]
    image: list[Any] | None
    lasts: int


class StandIn:
    """The stand-in daemon, as a process on the session bus that `env` names. Each property reads the newest record."""

    def __init__(
        self,
        env: Mapping[str, str],
        folder: Path,
        *,
        capabilities: tuple[str, ...] = CAPABILITIES,
        server: str = "stand-in",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / f"stand-in-{len(list(folder.iterdir()))}.jsonl"
        self._program = Program(command(capabilities, server), env=env, log=self._log, stdin=PIPE)
        wait_until(lambda: self._calls("ready"), "the stand-in daemon is on the bus")

    def _calls(self, name: str) -> list[dict[str, Any]]:
        lines = self._log.read_text().splitlines(keepends=True)
        calls = [json.loads(line) for line in lines if line.endswith("\n")]
        return [{key: value for key, value in call.items() if key != "call"} for call in calls if call["call"] == name]

    @property
    def shown(self) -> list[Notified]:
        """All Notify calls that the daemon has got, in their order."""
        return [Notified(**call) for call in self._calls("Notify")]

    @property
    def closed(self) -> list[int]:
        """The ids of the notifications that the daemon was asked to close, in the order of the requests."""
        return [call["id"] for call in self._calls("CloseNotification")]

    def send(self, command: str) -> None:
        """Send a command, and wait until the daemon has carried out the command."""
        before = len(self._calls("obeyed"))
        stdin = self._program.process.stdin
        assert stdin is not None
        stdin.write(f"{command}\n".encode())
        stdin.flush()
        wait_until(lambda: len(self._calls("obeyed")) > before, f"the stand-in obeys {command!r}")

    def freeze(self) -> None:
        """Suspend the daemon's process, so that it answers no calls."""
        self._program.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._program.signal(signal.SIGCONT)

    def die(self) -> None:
        """Kill the daemon's process."""
        self._program.signal(signal.SIGKILL)
        self._program.stop()

    def stop(self) -> None:
        self._program.stop()


def command(capabilities: tuple[str, ...] = CAPABILITIES, server: str = "stand-in") -> list[str]:
    """Return the command line that starts the stand-in daemon on the bus that the environment names."""
    return [sys.executable, str(_SCRIPT), "--capabilities", ",".join(capabilities), "--server", server]
