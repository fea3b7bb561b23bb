"""Starts and ends programs for a test. Signals go to a program's own process group, and never to a program's name."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

_LOOK_EVERY = 0.02

_PACKAGES = {
    "Xvfb": "xvfb",
    "dbus-daemon": "dbus-daemon",
    "dbus-send": "dbus-bin",
    "openbox": "openbox",
    "xfce4-panel": "xfce4-panel",
    "dunst": "dunst",
    "tint2": "tint2",
    "xdotool": "xdotool",
    "xprop": "x11-utils",
    "import": "imagemagick",
}
_XFCE_NOTIFYD = "*/xfce4/notifyd/xfce4-notifyd"


def missing_packages(*wanted: str) -> list[str]:
    """Return the Debian packages that contain those wanted programs that are not installed."""
    missing = [_PACKAGES[name] for name in wanted if name in _PACKAGES and shutil.which(name) is None]
    if "xfce4-notifyd" in wanted and xfce_notifyd() is None:
        missing.append("xfce4-notifyd")
    return missing


def xfce_notifyd() -> Path | None:
    """Return the path of Xfce's notification daemon, or None if the daemon is not installed.

    The daemon's folder is not on PATH.
    """
    return next(Path("/usr/lib").glob(_XFCE_NOTIFYD), None)


class Program:
    """A program in its own process group. Its stderr goes to the file `log`, and its stdout to `out` if given."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        out: Path | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.log = log
        self.name = Path(arguments[0]).name
        with log.open("ab") as stderr, (out or log).open("ab") as stdout:
            self.process = subprocess.Popen(
                list(arguments), env=dict(env), stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and its child processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def stop(self, within: float = 3.0) -> None:
        """End the program with SIGTERM, or with SIGKILL if the program has not ended after `within` seconds."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # a stopped process handles SIGTERM only after SIGCONT
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self.signal(signal.SIGKILL)  # end any child processes that still run


def wait_until(condition: Callable[[], Found | None], what: str, *, within: float = 10.0) -> Found:
    """Call `condition` until its result is true, and return the result.

    If no result is true within `within` seconds, fail. The message contains `what`, the condition in words.
    """
    until = time.monotonic() + within
    while not (found := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(_LOOK_EVERY)
    return found


async def until(condition: Callable[[], Found | None], what: str, *, within: float = 10.0) -> Found:
    """Do the same as `wait_until`, but without blocking the event loop."""
    end = asyncio.get_running_loop().time() + within
    while not (found := condition()):
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"not within {within:g} s: {what}")
        await asyncio.sleep(_LOOK_EVERY)
    return found
