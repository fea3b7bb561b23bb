"""The tray application under test: the real program as a real process on a test's desktop.

A test uses the application only as users and other programs do: over HTTP, the command line, the control socket, the
session bus and the screen.
"""

import http.client
import json
import signal
import subprocess
import sys
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.desktop.harness.desktop_programs import Program, wait_until
from tests.desktop.harness.session import Desktop, Window
from tests.desktop.harness.tray_item import TrayItem
from trayalert.app.control.control_protocol import GetStatus, ask
from trayalert.app.platform.places import find_places
from trayalert.clock import now
from trayalert.services.simulator.client import sample_body

COMMAND = [sys.executable, "-m", "trayalert"]
_ICON = 64
ECS_LINK = "https://ecs.console.aliyun.com/server/{}/detail?regionId=cn-hangzhou"


def threshold(instance: str = "i-bp1example00000010aa", **changes: str) -> bytes:
    """Return the form body of a threshold callback about the given ECS instance, with the current time.

    `changes` replaces fields of the body.
    """
    own = {
        "timestamp": str(now()),
        "dimensions": f"{{instanceId={instance}, userId=1900000000000010}}",
        "transId": f"trans-{instance}",
    }
    return urlencode(_sample() | own | changes).encode()


@cache
def _sample() -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(sample_body("ecs-cpu").decode().strip()).items()}


def recovery(instance: str = "i-bp1example00000010aa", **changes: str) -> bytes:
    """Return the form body of the OK callback that recovers the incident opened by `threshold`."""
    return threshold(instance, **({"alertState": "OK", "triggerLevel": "OK", "preTriggerLevel": "CRITICAL"} | changes))


def finish_setup(data_dir: Path) -> None:
    """Create a data dir in which the setup assistant counts as finished, so that the program does not open it."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    remembered = data_dir / "remembered.json"
    if not remembered.exists():
        remembered.write_text(json.dumps({"setup": {"finished": True}}))
        remembered.chmod(0o600)


class Browser:
    """A stand-in for the browser. It records the URLs that it is started with."""

    def __init__(self, folder: Path, name: str = "browser") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._seen = folder / f"{name}.seen"
        self.program = folder / name
        self.program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >>'{self._seen}'\n")
        self.program.chmod(0o755)

    @property
    def opened(self) -> list[str]:
        """The arguments with which the browser was started, one string for each start, oldest first."""
        return self._seen.read_text().splitlines() if self._seen.exists() else []


class Application:
    """A process of `trayalert --data-dir FOLDER/data` on the given desktop, started by the constructor.

    If `port` is 0, the system chooses a free port. If `command` is given, it is run instead of `trayalert`. If
    `first_run` is true, the setup assistant opens.
    """

    def __init__(
        self,
        desktop: Desktop,
        folder: Path,
        *,
        env: dict[str, str] | None = None,
        port: int = 0,
        command: list[str] | None = None,
        first_run: bool = False,
    ) -> None:
        self.desktop = desktop
        self.env = desktop.env | (env or {})
        self.data_dir = folder / "data"
        self.out, self.log = folder / "stdout", folder / "stderr"
        if not first_run and not self.data_dir.is_file():
            finish_setup(self.data_dir)
        arguments = [*COMMAND, "--port", str(port), "--data-dir", str(self.data_dir)]
        self._program = Program(command or arguments, env=self.env, log=self.log, out=self.out)

    @property
    def pid(self) -> int:
        return self._program.process.pid

    @property
    def running(self) -> bool:
        return self._program.running

    @cached_property
    def url(self) -> str:
        """The callback URL. Reading this property waits until the listener is open."""
        wait_until(lambda: "listening on http" in self.output() or not self.running, "the door is open")
        assert self.running, self.error_output()
        return self.ask("url").strip()

    def output(self) -> str:
        """Return what the program has printed on stdout so far."""
        return self.out.read_text()

    def error_output(self) -> str:
        """Return what the program has printed on stderr so far."""
        return self.log.read_text()

    def post(self, body: bytes, method: str = "POST") -> int:
        """Send a callback, and return the HTTP status of the answer."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            connection.request(
                method, parts.path, body or None, {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
            )
            return connection.getresponse().status
        finally:
            connection.close()

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a trayalert command with this program's data dir. Without arguments, start a second `trayalert`."""
        return subprocess.run(
            [*COMMAND, *arguments, "--data-dir", str(self.data_dir)],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def ask(self, *arguments: str) -> str:
        """Run a trayalert command, and return its stdout. Fail if the command fails or writes to stderr."""
        status, out, err = self.desktop.commands.run([*arguments, "--data-dir", str(self.data_dir)], timeout=30)
        assert (status, err) == (0, b"")
        return out.decode()

    def incidents(self, *options: str) -> list[dict[str, Any]]:
        """Return the incidents in the log, newest first."""
        return [json.loads(line) for line in self.ask("incidents", "--json", *options).splitlines()]

    def status(self) -> dict[str, Any]:
        """Return the output of `trayalert status --json`."""
        status: dict[str, Any] = json.loads(self.ask("status", "--json"))
        return status

    def answers(self) -> bool:
        """Return whether the program answers on its control socket. This is much faster than running a command."""
        return bool((ask(find_places(str(self.data_dir)).socket, GetStatus()) or {}).get("running"))

    @property
    def tray(self) -> TrayItem:
        """The application's tray item. Reading this property waits until the panel shows a tray item."""
        names = wait_until(self.desktop.tray_items, "the tray has an item")
        return TrayItem(self.desktop.bus_address, names[0])

    def wait_for_tooltip(self, *words: str) -> None:
        """Wait until the tray item's tooltip contains all the given words, in upper or lower case."""
        tray = self.tray
        wait_until(lambda: all(word.lower() in tray.tooltip.lower() for word in words), f"the tooltip says {words}")

    def windows(self) -> list[Window]:
        """Return the application's visible windows, without the overlay and without the icons in an XEmbed tray."""
        seen = self.desktop.windows("--class", "^trayalert$")
        return [window for window in seen if min(window.width, window.height) > _ICON]

    def overlays(self) -> list[Window]:
        """Return the overlay's window if the overlay is visible, else an empty list."""
        return self.desktop.windows("--name", "^trayalert strip$")

    def tray_icons(self) -> list[Window]:
        """Return the application's icons in an XEmbed tray. In such a tray, each icon is a window."""
        return [window for window in self.desktop.windows("--class", "^trayalert$") if window.width <= _ICON]

    def window(self) -> Window:
        """Return the application's window. First wait until it is on the screen and no longer moves or grows."""
        last: list[Window] = []

        def settled() -> Window | None:
            before = last.copy()
            last[:] = self.windows()
            return last[0] if last and last == before else None

        return wait_until(settled, "the window is on the screen")

    def show_window(self) -> Window:
        """Show the application's window by starting a second `trayalert`. Give the window the focus, and return it."""
        assert self.url
        assert self.run().returncode == 0
        window = self.window()
        self.desktop.focus(window)
        return window

    def rows(self) -> list[list[str]]:
        """Copy all rows of the table to the clipboard, and return their cells. The table must have the focus."""
        self.desktop.press("ctrl+a", "ctrl+c")
        return [line.split("\t") for line in self.desktop.clipboard().splitlines()]

    def end(self, within: float = 5.0) -> int:
        """Send SIGTERM, and return the exit status. Raise `subprocess.TimeoutExpired` if that takes too long."""
        self._program.process.send_signal(signal.SIGTERM)
        return self.status_at_end(within)

    def status_at_end(self, within: float = 5.0) -> int:
        """Wait until the program has ended, and return the exit status.

        Raise `subprocess.TimeoutExpired` if the program runs for more than `within` seconds longer.
        """
        return self._program.process.wait(within)

    def stop(self) -> None:
        self._program.stop()
