"""The control socket: how a command asks the running instance. One JSON object a line, there and back; Unix only.

The socket lies in the data dir (0600): who may read the log may also ask.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from trayalert.domain.fault import Fault

Command = dict[str, Any]
Reply = dict[str, Any]
Responder = Callable[[Command], Awaitable[Reply]]

_LONGEST = 64 * 1024
_DEADLINE = 10.0

_logger = logging.getLogger(__name__)


class ControlFault(Fault):
    """The running instance did not answer."""


async def open_control(path: Path, responder: Responder) -> asyncio.AbstractServer | None:
    """Answer wishes on the socket; None where the platform has no such thing."""
    if not hasattr(asyncio, "start_unix_server"):
        return None

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # WORKAROUND https://github.com/python/cpython/issues/113538: when the program ends, Python 3.11 would log a
        # traceback for who is still connected, if this task were cancelled
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
            line = await asyncio.wait_for(reader.readline(), _DEADLINE)
            if line:
                writer.write(json.dumps(await _respond(line, responder)).encode() + b"\n")
                await writer.drain()
        writer.close()

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(path.parent)
        path.unlink(missing_ok=True)  # left by a kill; the lock says that nobody listens there
        server = await asyncio.start_unix_server(serve, path=path, limit=_LONGEST)
        path.chmod(0o600)
    except OSError as error:
        raise ControlFault(f"the control socket {path} cannot be made: {error}. Name another --data-dir.") from error
    return server


async def _respond(line: bytes, responder: Responder) -> Reply:
    try:
        command = json.loads(line)
    except (ValueError, RecursionError):
        command = None
    try:
        return await responder(command if isinstance(command, dict) else {})
    except Fault as fault:
        return {"error": str(fault)}
    except Exception as error:  # told to who asked; the receiver goes on
        _logger.exception("a command could not be answered")
        return {"error": str(error)}


def ask(path: Path, command: Command, *, deadline: float = _DEADLINE) -> Reply | None:
    """Ask the running instance; None where none runs. Raise ControlFault where it does not answer in time."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(deadline)
        try:
            _refuse_foreign(path.parent)
            connection.connect(str(path))
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise ControlFault(f"the running trayalert cannot be asked over {path}: {error}") from error
        try:
            connection.sendall(json.dumps(command).encode() + b"\n")
            with connection.makefile("rb") as lines:
                reply = json.loads(lines.readline())
        except (OSError, ValueError) as error:
            raise ControlFault(f"the running trayalert did not answer over {path}: {error!r}") from error
    return reply if isinstance(reply, dict) else {}


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder that another user of this computer has put into /tmp under our name, to answer in our place."""
    if folder.stat().st_uid != os.getuid() and folder.parent.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(f"{folder} belongs to another user")
