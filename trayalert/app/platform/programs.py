"""Starts other programs: a browser, the person's own commands. Always an argument list, never a line for a shell."""

import shutil
import subprocess
from collections.abc import Sequence

from trayalert.domain.settings.custom_command import FilledCommand
from trayalert.domain.text import printable

_started: list["subprocess.Popen[bytes]"] = []


def start(arguments: Sequence[str]) -> None:
    """Start a program in a session of its own, which goes on when trayalert ends. Raise OSError."""
    _started[:] = [program for program in _started if program.poll() is None]  # those that ended are reaped here
    program = subprocess.Popen(  # noqa: S603 - an argument list, and the person's own program
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    _started.append(program)


def run_command(command: FilledCommand) -> str | None:
    """Start a command of the person's own; return a sentence where that failed."""
    if command.problem or not command.arguments:
        return f"{command.name} was not started: {command.problem}."
    program = command.arguments[0]
    found = shutil.which(program)
    if found is None:
        return f"{command.name} was not started: there is no program {printable(program, limit=80)}."
    try:
        start([found, *command.arguments[1:]])
    except (OSError, ValueError) as error:
        reason = printable(getattr(error, "strerror", None) or str(error))
        return f"{command.name} was not started: {reason}."
    return None
