"""Runs trayalert commands in processes that are forked from one process, which has imported the commands before.

Importing them takes most of the 0.2 s of CPU time that a command needs. Each command still runs in a process of its
own, with its own arguments, stdout, stderr and exit status, and does what `python -m trayalert` would do. Its
environment is the one that the tests began with. A test that changes the environment or measures the start of a command
must not use this server.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

_LONGEST_REQUEST = 1 << 20
_ROOT = Path(__file__).parent.parent


class CommandServer:
    """Runs commands one at a time, in the given environment.

    The server's process starts with the first command. It ends with `close`, or with this process.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, arguments: Sequence[str], *, timeout: float) -> tuple[int, bytes, bytes]:
        """Run `trayalert` with the given arguments, and return the exit status, stdout and stderr.

        Raise TimeoutError if the command does not end within `timeout` seconds.
        """
        with self._lock, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            connection = self._connection or self._start()
            connection.settimeout(timeout)
            request = json.dumps({"arguments": list(arguments), "folder": str(Path.cwd())})
            socket.send_fds(connection, [request.encode()], [out.fileno(), err.fileno()])
            try:
                status = json.loads(connection.recv(64))
            except TimeoutError:
                self.close()  # ends the command, too
                raise
            return status, *(os.pread(file.fileno(), file.seek(0, os.SEEK_END), 0) for file in (out, err))

    def _start(self) -> socket.socket:
        self._connection, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(its.fileno())],
                stdin=subprocess.DEVNULL,
                env=self.environment,
                cwd=_ROOT,  # a test may have changed the working folder
                pass_fds=[its.fileno()],
                process_group=0,
            )
        atexit.register(self.close)
        return self._connection

    def close(self) -> None:
        """End the server's process, and the command that it runs."""
        atexit.unregister(self.close)
        if self._connection and self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._connection.close()
        self._connection = self._process = None


def _serve(connection: socket.socket) -> None:
    """Fork a process for each request until the connection is closed. In a forked process, return."""
    while True:
        line, descriptors, _, _ = socket.recv_fds(connection, _LONGEST_REQUEST, 2)
        if not line:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            for descriptor, target in zip(descriptors, (1, 2), strict=True):
                os.dup2(descriptor, target)
        for descriptor in descriptors:
            os.close(descriptor)
        if pid == 0:
            wanted = json.loads(line)
            os.chdir(wanted["folder"])
            sys.argv[1:] = wanted["arguments"]
            return
        connection.send(json.dumps(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _main() -> None:
    commands = importlib.import_module("trayalert.cli")
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(module.name)
    gc.freeze()
    assert threading.active_count() == 1, "a process with several threads must not be forked"
    with contextlib.closing(socket.socket(fileno=int(sys.argv.pop(1)))) as connection:
        _serve(connection)
    runpy.run_module("trayalert", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
