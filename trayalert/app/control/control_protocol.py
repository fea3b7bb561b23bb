"""The control socket: how a command asks the running instance. One JSON object per line in each direction; Unix only.

The socket lies in the data dir (0600): a user who may read the log may also ask. Most commands import this module,
so it needs no asyncio; `control_server` is the other end.
"""

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

from trayalert.domain.fault import Fault

Command = dict[str, Any]
Reply = dict[str, Any]

DEADLINE = 10.0
"""Seconds for a command and its reply."""


class ControlFault(Fault):
    """The running instance did not answer."""


def ask(path: Path, command: Command, *, deadline: float = DEADLINE) -> Reply | None:
    """Return the running instance's reply, None if none runs. Raise ControlFault if there is no reply in time."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(deadline)
        try:
            refuse_foreign_folder(path.parent)
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


def refuse_foreign_folder(folder: Path) -> None:
    """Raise PermissionError for a folder in /tmp that another user has made under our name, to answer in our place."""
    if folder.stat().st_uid != os.getuid() and folder.parent.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(f"{folder} belongs to another user")
