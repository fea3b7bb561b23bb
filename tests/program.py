"""Runs trayalert in real processes, as a user or a script does. Each test has its own data dir.

`serving(data_dir)` runs `trayalert serve` in the background. `run(...)` runs any other command and waits for its end.
"""

import contextlib
import fcntl
import http.client
import json
import os
import pty
import queue
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.command_server import CommandServer

DEADLINE = 60.0
"""Seconds to wait for a program. After that time, the program counts as stuck."""

UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
"""A command prefix that makes file permissions apply to root, by removing root's capabilities.

For any other user, the prefix is empty. `setpriv` is in util-linux, which every Debian system has.
"""

_NOT_OURS = ("TRAYALERT_DATA_DIR", "QT_QPA_PLATFORM", "PYTEST_CURRENT_TEST", "LANGUAGE")


def environment(**changes: str | None) -> dict[str, str]:
    """Return this process's environment, without the variables that would change what the program does.

    Each of `changes` sets a variable, or removes it if the value is None.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    kept = {**kept, **{name: value for name, value in changes.items() if value is not None}}
    return {name: value for name, value in kept.items() if changes.get(name, value) is not None}


_SERVER = CommandServer(environment())


@dataclass(frozen=True, slots=True)
class CompletedCommand:
    """The exit status and the output of a command that has ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects that the command has printed, one on each line."""
        # splitlines would also split at characters such as U+2028
        return [json.loads(line) for line in self.out.split("\n") if line]


def run(
    *arguments: str | Path, data_dir: Path | None = None, privileged: bool = True, **changes: str | None
) -> CompletedCommand:
    """Run a trayalert command to its end, and check that the command prints no traceback.

    If `privileged` is false, file permissions apply to the command even if root runs the tests. `changes` sets or
    removes environment variables.
    """
    python, *command = _command(*arguments, data_dir=data_dir)
    if privileged and environment(**changes) == _SERVER.environment:
        status, out, err = _SERVER.run([os.fsdecode(one) for one in command[2:]], timeout=DEADLINE)
    else:
        done = subprocess.run(
            [*([] if privileged else UNPRIVILEGED), python, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            env=environment(**changes),
            check=False,
        )
        status, out, err = done.returncode, done.stdout, done.stderr
    found = CompletedCommand(status, out.decode(), err.decode())
    assert "Traceback" not in found.err, found.err
    return found


def run_in_terminal(command: Sequence[str | Path], *, columns: int, env: dict[str, str]) -> CompletedCommand:
    """Run a command to its end in a terminal with the given number of columns, and return all that it has printed."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=env, start_new_session=True) as process:
        os.close(its)
        printed = b""
        with contextlib.suppress(OSError):  # Linux reports an error when the program has closed the terminal
            while part := os.read(ours, 4096):
                printed += part
        os.close(ours)
        return CompletedCommand(process.wait(DEADLINE), printed.decode().replace("\r\n", "\n"), "")


def _command(*arguments: str | Path, data_dir: Path | None, module: str = "trayalert") -> list[str | Path]:
    where: list[str | Path] = [] if data_dir is None else ["--data-dir", data_dir]
    return [sys.executable, "-m", module, *arguments[:1], *where, *arguments[1:]]


@dataclass(slots=True)
class ServeProcess:
    """A running `trayalert serve`."""

    data_dir: Path
    process: "subprocess.Popen[str]"
    address: str
    """`http://HOST:PORT` or `https://HOST:PORT`, as the first line of the output names it."""
    changes: dict[str, str | None]

    @property
    def url(self) -> str:
        """The callback URL, which contains the secret."""
        return f"{self.address}/hook/{self.secret}"

    @property
    def secret(self) -> str:
        secret: str = json.loads((self.data_dir / "secrets.json").read_text())["secrets"][0]["value"]
        return secret

    def run(self, *arguments: str | Path, **more: Any) -> CompletedCommand:
        """Run a trayalert command with this process's data dir."""
        together: dict[str, Any] = {**self.changes, **more}
        return run(*arguments, data_dir=self.data_dir, **together)

    def end(self, number: signal.Signals = signal.SIGTERM) -> CompletedCommand:
        """Send the signal `number` to the process, wait until the process has ended, and return its output."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=DEADLINE)
        return CompletedCommand(self.process.returncode, out, err)


@contextmanager
def serving(
    data_dir: Path, *arguments: str, module: str = "trayalert", before: Sequence[str] = (), **changes: str | None
) -> Iterator[ServeProcess]:
    """Run `trayalert serve` until the block ends. The listener is open when the block begins.

    If the test has not ended the process itself, the process must end with status 0, without output on stderr.
    `arguments` follow `serve`. If there are none, the system chooses a free port. `module` is the Python module to run
    instead of trayalert. `before` is a command prefix that starts the program, such as `setpriv` with its options.
    """
    with subprocess.Popen(
        [*before, *_command("serve", *(arguments or ("--port", "0")), data_dir=data_dir, module=module)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**changes),
    ) as process:
        try:
            line = _first_line(process)
            assert line.startswith(("listening on http://", "listening on https://")), (
                line,
                process.stderr and process.stderr.read(),
            )
            running = ServeProcess(data_dir, process, line.removeprefix("listening on ").rstrip("\n"), changes)
            yield running
            if process.returncode is None:
                done = running.end()
                assert (done.status, done.err) == (0, ""), done
        finally:
            process.kill()


def _first_line(process: "subprocess.Popen[str]") -> str:
    """Return the first line that the program prints. Raise `queue.Empty` if no line comes within DEADLINE."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert process.stdout
    threading.Thread(target=lambda out: lines.put(out.readline()), args=(process.stdout,), daemon=True).start()
    return lines.get(timeout=DEADLINE)


def post(url: str, body: bytes = b"") -> int:
    """Send a callback once, without retries, and return the status of the answer."""
    return request(url, "POST", body=body)


def request(url: str, method: str, *, query: bytes = b"", body: bytes = b"", content_type: str = "") -> int:
    """Send an HTTP request once, without retries, and return the status of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=DEADLINE)
    target = parts.path + (f"?{query.decode('ascii')}" if query else "")
    try:
        connection.request(method, target, body or None, {"Content-Type": content_type} if content_type else {})
        return connection.getresponse().status
    finally:
        connection.close()


def wait_for(condition: Callable[[], object], *, deadline: float = DEADLINE) -> None:
    """Call `condition` until its result is true. Fail if that takes longer than `deadline` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
