"""The protocol of the control socket, and the client that sends a command to the running instance.

A command and its reply are one line each. Each line contains a JSON object. Phrases in a reply stay phrases,
so that the command can show them in its own language. The server is in `control_server.py`.

The control socket exists on Unix only. Its path is `Places.socket`. Its mode is 0600, so other users cannot send
commands.

Most commands of the command line import this module. Therefore, this module must not import asyncio, which is slow to
load.
"""

import json
import os
import socket
import stat
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, get_args

from trayalert.domain.fault import Fault, os_error_text
from trayalert.domain.phrase import N_, Phrase, PhraseList, decode_phrases
from trayalert.domain.times import Millis

Reply = dict[str, Any]
"""A JSON object with one key: `done`, `running` or `reach` for a result, or `error` for a sentence about a failure."""

DEADLINE = 10.0
"""Seconds that the server waits for a command. By default, the client waits equally long for the reply."""

_JSON_TYPES = {
    bool: N_("true or false"),
    int: N_("a whole number of at most 63 bits"),  # the range of SQLite's integers
    str: N_("text"),
    type(None): N_("null"),
}
"""Maps each type that a field of a command may have to the name of the type in error messages.

The type of a field may also be a union of these types.
"""


class ControlFault(Fault):
    """The control socket cannot be opened or used, no reply came in time, or the instance does not know the command."""


@dataclass(frozen=True, slots=True)
class Command:
    """A request from another process to the running instance.

    In the JSON object, the key `do` names the command, and each field is a further key. A command without fields is not
    decorated with `@dataclass`, because each dataclass delays the start of the program by half a millisecond.
    """

    do: ClassVar[str]


class GetStatus(Command):
    """Return the part of the status that only the running instance knows."""

    __slots__ = ()
    do = "status"


@dataclass(frozen=True, slots=True)
class RotateSecret(Command):
    """Replace the secret named `name` with a new one. If `name` is None, replace the first secret.

    The old secret stays valid for `grace` milliseconds.
    """

    do = "rotate"
    grace: Millis
    name: str | None


@dataclass(frozen=True, slots=True)
class AddSecret(Command):
    """Create a secret named `name`. It is an error if a secret with this name already exists."""

    do = "add secret"
    name: str


@dataclass(frozen=True, slots=True)
class RemoveSecret(Command):
    """Remove the secret named `name`, together with replaced secrets of this name that are still valid."""

    do = "remove secret"
    name: str


class KeepSecrets(Command):
    """Write the secrets to their file again, because the file is missing."""

    __slots__ = ()
    do = "keep secrets"


class VerifyLog(Command):
    """Verify the log, because another process found the log damaged or missing."""

    __slots__ = ()
    do = "verify"


class ProbeReachability(Command):
    """Send a probe through the public address and return the reachability."""

    __slots__ = ()
    do = "probe"


@dataclass(frozen=True, slots=True)
class ResolveIncident(Command):
    """Mark an incident as recovered, at the admin's request. Return whether the incident was open."""

    do = "resolve"
    id: int


@dataclass(frozen=True, slots=True)
class ReparseSome(Command):
    """Reparse some of the stored deliveries. Return the fields of ReparseProgress.

    If `anew` is true, start with the oldest delivery. If `anew` is false, continue where an earlier reparse stopped.
    """

    do = "reparse"
    anew: bool


class BackUpLog(Command):
    """Make a backup of the log. Return the path of the backup."""

    __slots__ = ()
    do = "backup"


@dataclass(frozen=True, slots=True)
class ShowWindow(Command):
    """Raise the window that `what` names: "window" (the main window) or "setup" (the setup assistant).

    Return whether the instance has windows.
    """

    do = "show"
    what: str = "window"


def encode_command(command: Command) -> bytes:
    """Return the line that sends a command.

    A field with its default value is left out of the line. An older instance would reject a field that it does not
    know.
    """
    values = {each.name: (getattr(command, each.name), each.default) for each in fields(command)}
    given = {name: value for name, (value, default) in values.items() if value != default}
    return json.dumps({"do": command.do, **given}).encode() + b"\n"


def decode_command(line: bytes, known: Iterable[type[Command]]) -> Command:
    """Return the command that a line encodes. `known` contains the command types that the instance supports.

    Raise ControlFault in each of these cases:

    - The line names no known command.
    - A value is missing or has a wrong type.
    - A key is not a field of the command.
    """
    try:
        received = json.loads(line)
    except (ValueError, RecursionError):
        received = None
    given = received if isinstance(received, dict) else {}
    do = given.pop("do", None)
    command_type = next((each for each in known if each.do == do), None)
    if command_type is None:
        text = N_("the running trayalert does not know {command}; it may be older: restart it")
        raise ControlFault(Phrase(text, command=repr(do)))
    values = {}
    for each in fields(command_type):
        values[each.name] = value = given.pop(each.name, None if each.default is MISSING else each.default)
        types = get_args(each.type) or (each.type,)
        if type(value) not in types or (isinstance(value, int) and value.bit_length() > 63):
            expected = PhraseList([Phrase(_JSON_TYPES[each]) for each in types], separator=N_(" or "))
            text = N_(
                "the running trayalert does not know {command} with this {field}, which must be {expected}; it may be "
                "older: restart it"
            )
            raise ControlFault(Phrase(text, command=repr(do), field=repr(each.name), expected=expected))
    for name in given:
        text = N_("the running trayalert does not know {field} of {command}; it may be older: restart it")
        raise ControlFault(Phrase(text, field=repr(name), command=repr(do)))
    return command_type(**values)


def ask(path: Path, command: Command, *, deadline: float = DEADLINE) -> Reply | None:
    """Send a command to the running instance and return its reply, or None if no instance runs.

    On a platform without Unix sockets, always return None. Raise ControlFault if the socket cannot be used, or if no
    reply comes within `deadline` seconds.
    """
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
            text = N_("the running trayalert cannot be asked over {path}: {error}")
            raise ControlFault(Phrase(text, path=path, error=os_error_text(error))) from error
        try:
            connection.sendall(encode_command(command))
            with connection.makefile("rb") as lines:
                reply = decode_phrases(json.loads(lines.readline()))
        except (OSError, ValueError) as error:
            text = N_("the running trayalert did not answer over {path}: {error}")
            raise ControlFault(Phrase(text, path=path, error=repr(error))) from error
    return reply if isinstance(reply, dict) else {}


def refuse_foreign_folder(folder: Path) -> None:
    """Raise PermissionError if the control socket's folder is in /tmp and belongs to another user.

    Another user could create this folder before trayalert does, and then answer commands. Any parent folder that has
    the sticky bit counts as /tmp.
    """
    if folder.stat().st_uid != os.getuid() and folder.parent.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(Phrase("{path} belongs to another user", path=folder))
