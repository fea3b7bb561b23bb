"""The control socket: how a command asks the running instance. One JSON object per line in each direction; Unix only.

The socket lies in the data dir (0600): a user who may read the log may also ask. Most commands import this module,
so it needs no asyncio; `control_server` is the other end.
"""

import json
import os
import socket
import stat
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, get_args

from trayalert.domain.fault import Fault
from trayalert.domain.times import Millis

Reply = dict[str, Any]
"""`done`, `running` or `reach`: what the command returned; or `error`: a sentence that says why it failed."""

DEADLINE = 10.0
"""Seconds for a command and its reply."""

_JSON_TYPES = {
    bool: "true or false",
    int: "a whole number of at most 63 bits",  # as SQLite's are
    str: "text",
    type(None): "null",
}
"""The types that a field of a command may have, alone or as a union."""


class ControlFault(Fault):
    """The running instance cannot be asked, does not answer, or does not know the command."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a process asks of the running instance. On the wire `do` names the command, and each field is a key.

    A command without fields is not decorated, as a dataclass costs each start half a millisecond.
    """

    do: ClassVar[str]


class GetStatus(Command):
    """Return what only the running instance knows."""

    __slots__ = ()
    do = "status"


@dataclass(frozen=True, slots=True)
class RotateSecret(Command):
    """Make a new secret of that name, the first by default. The old one holds for `grace` more."""

    do = "rotate"
    grace: Millis
    name: str | None


@dataclass(frozen=True, slots=True)
class AddSecret(Command):
    """Make a secret of a new name."""

    do = "add secret"
    name: str


@dataclass(frozen=True, slots=True)
class RemoveSecret(Command):
    """Remove the secrets of that name."""

    do = "remove secret"
    name: str


class KeepSecrets(Command):
    """Write the file of the secrets again, as it is gone."""

    __slots__ = ()
    do = "keep secrets"


class VerifyLog(Command):
    """Look at the log, which another process found damaged or gone."""

    __slots__ = ()
    do = "verify"


class ProbeReachability(Command):
    """Send a probe through the public address and return the reachability."""

    __slots__ = ()
    do = "probe"


@dataclass(frozen=True, slots=True)
class ResolveIncident(Command):
    """Mark an incident recovered by hand. Return whether it was open."""

    do = "resolve"
    id: int


@dataclass(frozen=True, slots=True)
class ReparseSome(Command):
    """Read some stored deliveries again, `anew` from the oldest on. Return the fields of ReparseProgress."""

    do = "reparse"
    anew: bool


class BackUpLog(Command):
    """Make a backup. Return its path."""

    __slots__ = ()
    do = "backup"


@dataclass(frozen=True, slots=True)
class ShowWindow(Command):
    """Raise the window, or the setup assistant ("guide"). Return whether the instance has windows."""

    do = "show"
    what: str = "window"


def encode_command(command: Command) -> bytes:
    """Return the line of a command.

    A value that is the default is left out, as an instance may be too old to know a key that was added later.
    """
    values = {each.name: (getattr(command, each.name), each.default) for each in fields(command)}
    given = {name: value for name, (value, default) in values.items() if value != default}
    return json.dumps({"do": command.do, **given}).encode() + b"\n"


def decode_command(line: bytes, known: Iterable[type[Command]]) -> Command:
    """Return the command of a line, which must be of a known type.

    Raise ControlFault if the line names no such command, or if a value is missing, of another type, or not a field's.
    """
    try:
        received = json.loads(line)
    except (ValueError, RecursionError):
        received = None
    given = received if isinstance(received, dict) else {}
    do = given.pop("do", None)
    command_type = next((each for each in known if each.do == do), None)
    if command_type is None:
        raise _unknown(repr(do))
    values = {}
    for each in fields(command_type):
        values[each.name] = value = given.pop(each.name, None if each.default is MISSING else each.default)
        types = get_args(each.type) or (each.type,)
        if type(value) not in types or (isinstance(value, int) and value.bit_length() > 63):
            expected = " or ".join(_JSON_TYPES[each] for each in types)
            raise _unknown(f"{do!r} with this {each.name!r}, which must be {expected}")
    for name in given:
        raise _unknown(f"{name!r} of {do!r}")
    return command_type(**values)


def _unknown(what: str) -> ControlFault:
    return ControlFault(f"the running trayalert does not know {what}; it may be older: restart it")


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
            connection.sendall(encode_command(command))
            with connection.makefile("rb") as lines:
                reply = json.loads(lines.readline())
        except (OSError, ValueError) as error:
            raise ControlFault(f"the running trayalert did not answer over {path}: {error!r}") from error
    return reply if isinstance(reply, dict) else {}


def refuse_foreign_folder(folder: Path) -> None:
    """Raise PermissionError for a folder in /tmp that another user has made under our name, to answer in our place."""
    if folder.stat().st_uid != os.getuid() and folder.parent.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(f"{folder} belongs to another user")
