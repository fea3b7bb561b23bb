"""Runs a program under a reaper, which ends the program when trayalert ends, even if trayalert is killed.

The reaper is in `services/tunnel/reaper.py`. On Windows, a job object is used instead of a reaper
(`services/tunnel/windows_job.py`).
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from trayalert.services.tunnel import reaper

_READ_AT_ONCE = 65_536
_POLL_INTERVAL = 0.005


class TunnelProcess(Protocol):
    """A program, its reaper, and all processes that the program starts.

    `output` is the output of all these processes. `pid` is the process id of the reaper. On Windows, there is no
    reaper, and `pid` is the process id of the program.
    """

    output: asyncio.StreamReader
    pid: int

    async def wait(self) -> int:
        """Wait until the program and all processes that it started have ended. Return the program's exit status."""

    def end(self) -> None:
        """Begin to end all processes, and return immediately.

        The processes get SIGTERM and, after the grace time, SIGKILL. On Windows, the processes are killed immediately.
        """

    def kill(self) -> None:
        """Kill all processes immediately. Call this method if the reaper hangs."""

    def close(self) -> None:
        """Close the pipes and sockets. Call this method after the program has ended."""


class _ReapedProcess:
    """A program that runs under a reaper."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        output: asyncio.StreamReader,
        pipe: asyncio.ReadTransport,
        control: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.output = output
        self.pid = process.pid
        self._process = process
        self._pipe = pipe
        self._control_reader, self._control_writer = control

    async def wait(self) -> int:
        with contextlib.suppress(ConnectionError):
            await self._control_reader.read()
        while (status := self._process.poll()) is None:  # noqa: ASYNC110 - short: the reaper is exiting
            await asyncio.sleep(_POLL_INTERVAL)
        if status < 0:  # the reaper was killed; the kernel then killed the program, but not the program's children
            self.kill()
        return status if status >= 0 else 128 - status

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._control_writer.write_eof()

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self._pipe.close()
        self._control_writer.close()


async def start_tunnel_process(
    command: Sequence[str], environment: Mapping[str, str], *, grace: float
) -> TunnelProcess:
    """Start a program under a reaper. Raise `OSError` if the reaper cannot be started.

    To end the program, the reaper sends SIGTERM and, after `grace` seconds, SIGKILL.
    """
    if sys.platform == "win32":
        from trayalert.services.tunnel.windows_job import start_in_job  # noqa: PLC0415 - exists on Windows only

        return await start_in_job(command, environment)
    control_socket, reaper_socket = socket.socketpair()
    read_end, write_end = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - takes 2 ms; an argument list, no shell
            [*_reaper_command(), str(grace), *command],
            stdin=reaper_socket.fileno(),
            stdout=write_end,
            stderr=write_end,
            env=dict(environment),
            start_new_session=True,  # so that Ctrl+C in the terminal reaches only trayalert
        )
    except BaseException:
        control_socket.close()
        os.close(read_end)
        raise
    finally:
        reaper_socket.close()
        os.close(write_end)
    connecting = asyncio.create_task(_connect(process, control_socket, read_end))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        tunnel_process = await connecting
        tunnel_process.end()
        await tunnel_process.wait()
        tunnel_process.close()
        raise


async def _connect(process: "subprocess.Popen[bytes]", control_socket: socket.socket, read_end: int) -> _ReapedProcess:
    output = asyncio.StreamReader(limit=_READ_AT_ONCE)
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read_end, "rb")
    )
    return _ReapedProcess(process, output, pipe, await asyncio.open_connection(sock=control_socket))


def _reaper_command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, reaper.FLAG]
    return [sys.executable, "-I", "-S", str(Path(reaper.__file__))]
