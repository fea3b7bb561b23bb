"""Starts other programs: the browser, and the admin's custom commands.

Every program is started with an argument list, never through a shell.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from trayalert.domain.fault import os_reason
from trayalert.domain.incident.console_link import is_allowed
from trayalert.domain.phrase import Phrase
from trayalert.domain.settings.custom_command import FilledCommand
from trayalert.domain.text import printable

_started: list["subprocess.Popen[bytes]"] = []


def start(arguments: Sequence[str]) -> None:
    """Start a program in a new session, so that it keeps running after trayalert ends. Raise OSError on failure."""
    # poll() reaps the child processes that have ended
    _started[:] = [program for program in _started if program.poll() is None]
    program = subprocess.Popen(  # noqa: S603 - an argument list, and a program that the admin has set
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    _started.append(program)


def run_command(command: FilledCommand) -> str | None:
    """Start a custom command. Return None on success, or a sentence that says why the command was not started."""
    if command.problem or not command.arguments:
        return Phrase("{command} was not started: {reason}.", command=command.name, reason=command.problem)
    program = command.arguments[0]
    found = shutil.which(program)
    if found is None:
        return Phrase(
            "{command} was not started: there is no program {program}.",
            command=command.name,
            program=printable(program, limit=80),
        )
    try:
        start([found, *command.arguments[1:]])
    except (OSError, ValueError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else printable(str(error))
        return Phrase("{command} was not started: {reason}.", command=command.name, reason=reason)
    return None


def open_in_browser(url: str) -> bool:
    """Open a link in the browser that $BROWSER names, or in the desktop's default browser.

    Return False if the link is not allow-listed or could not be opened.
    """
    if not is_allowed(url):
        return False
    for arguments in _browser_commands(url):
        try:
            start(arguments)
        except OSError:
            continue
        return True
    return QDesktopServices.openUrl(QUrl(url))


def _browser_commands(url: str) -> Iterator[list[str]]:
    """Yield the commands in $BROWSER with the link filled in. Omit commands whose programs are not installed.

    $BROWSER may contain several commands, separated by `:` (on Windows by `;`). The link replaces `%s` in a command, or
    is appended to a command that has no `%s`.
    """
    for command in os.environ.get("BROWSER", "").split(os.pathsep):
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        if words and shutil.which(words[0]):
            filled = [word.replace("%s", url) for word in words]
            yield filled if "%s" in command else [*words, url]
