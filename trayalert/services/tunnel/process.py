"""A program that runs under a guard (`services/tunnel/reaper.py`) and ends with trayalert, whatever ends that.

On Windows the system itself is the guard: a job that is closed with the process that made it.
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
_LOOK_AGAIN = 0.005


class Guarded(Protocol):
    """A program, its guard, and all that it starts. `output` is what they print, `pid` the guard's."""

    output: asyncio.StreamReader
    pid: int

    async def wait(self) -> int:
        """Return the program's status when it has ended, and all that it started."""

    def end(self) -> None:
        """Begin the end: a TERM to all, later a KILL."""

    def kill(self) -> None:
        """Kill all at once, where the guard does not get on."""

    def close(self) -> None:
        """Let go of it once it has ended."""


class _Watched:
    """A program under a guard of ours."""

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
        self._gone, self._hold = control

    async def wait(self) -> int:
        with contextlib.suppress(ConnectionError):
            await self._gone.read()
        while (status := self._process.poll()) is None:  # noqa: ASYNC110 - it has closed all: a moment
            await asyncio.sleep(_LOOK_AGAIN)
        if status < 0:  # the guard was killed: the program is dead by its death signal, what it started may not be
            self.kill()
        return status if status >= 0 else 128 - status

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._hold.write_eof()

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self._pipe.close()
        self._hold.close()


async def start_guarded(command: Sequence[str], environment: Mapping[str, str], *, grace: float) -> Guarded:
    """Start a program, which `grace` seconds after it was asked to end is killed. Raise OSError."""
    if sys.platform == "win32":
        from trayalert.services.tunnel.windows_job import start_in_job  # noqa: PLC0415 - there is none elsewhere

        return await start_in_job(command, environment)
    ours, theirs = socket.socketpair()
    read, write = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - it takes 2 ms; an argument list
            [*_guard(), str(grace), *command],
            stdin=theirs.fileno(),
            stdout=write,
            stderr=write,
            env=dict(environment),
            start_new_session=True,  # Ctrl+C in the terminal is trayalert's affair
        )
    except BaseException:
        ours.close()
        os.close(read)
        raise
    finally:
        theirs.close()
        os.close(write)
    watching = asyncio.create_task(_watched(process, ours, read))
    try:
        return await asyncio.shield(watching)
    except asyncio.CancelledError:
        guarded = await watching
        guarded.end()
        await guarded.wait()
        guarded.close()
        raise


async def _watched(process: "subprocess.Popen[bytes]", ours: socket.socket, read: int) -> _Watched:
    output = asyncio.StreamReader(limit=_READ_AT_ONCE)
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read, "rb")
    )
    return _Watched(process, output, pipe, await asyncio.open_connection(sock=ours))


def _guard() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, reaper.FLAG]
    return [sys.executable, "-I", "-S", str(Path(reaper.__file__))]
