"""The server of the control socket, which is a part of the running instance."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from trayalert.app.control.control_protocol import (
    DEADLINE,
    Command,
    ControlFault,
    Reply,
    decode_command,
    refuse_foreign_folder,
)
from trayalert.domain.fault import Fault, os_error_text
from trayalert.domain.phrase import N_, Phrase, encode_phrases

Instance = TypeVar("Instance")
Replies = Mapping[type[Command], Callable[[Any, Instance], Awaitable[Reply]]]
"""Maps each command type that the instance knows to the coroutine that carries out the command.

If the coroutine raises Fault, the process that sent the command gets the fault's message as an error.
"""

_LONGEST = 64 * 1024
"""Maximum size of a command, in bytes."""

_logger = logging.getLogger(__name__)


async def open_control(path: Path, replies: Replies[Instance], instance: Instance) -> asyncio.AbstractServer | None:
    """Open the control socket at `path`, start answering commands, and return the server.

    `replies` contains the coroutine for each command type, and `instance` is passed to each coroutine. Return None on a
    platform without Unix sockets. Raise ControlFault if the socket cannot be created.
    """
    if not hasattr(asyncio, "start_unix_server"):
        return None

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # WORKAROUND https://github.com/python/cpython/issues/113538: if this task ended as cancelled, Python 3.11 would
        # log a traceback for each connection that is still open when the program ends
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
            line = await asyncio.wait_for(reader.readline(), DEADLINE)
            if line:
                writer.write(json.dumps(encode_phrases(await _respond(line, replies, instance))).encode() + b"\n")
                await writer.drain()
        writer.close()

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_foreign_folder(path.parent)
        path.unlink(missing_ok=True)  # left by a killed instance; as this process holds the lock, no other runs
        server = await asyncio.start_unix_server(serve, path=path, limit=_LONGEST)
        path.chmod(0o600)
    except OSError as error:
        text = N_("the control socket {path} cannot be made: {error}. Name another --data-dir.")
        raise ControlFault(Phrase(text, path=path, error=os_error_text(error))) from error
    return server


async def _respond(line: bytes, replies: Replies[Instance], instance: Instance) -> Reply:
    try:
        command = decode_command(line, replies)
        return await replies[type(command)](command, instance)
    except Fault as fault:
        return {"error": str(fault)}
    except Exception as error:  # a bug must not leave the other process without a reply
        _logger.exception("a command could not be answered")
        return {"error": str(error)}
