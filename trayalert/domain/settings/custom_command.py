"""Commands that the admin has defined for the menu of an incident: the `[commands]` table of the settings.

A command is a list of arguments, never a command line for a shell. The values of its placeholders come from a callback.
A hostile sender who has learnt the callback URL can forge these values. Therefore a value is passed on only if it has
the expected form. A value must not begin with a dash. A value must not contain a special character of a shell, because
the program may call a shell.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.console_link import ACCOUNT, ID, NAMESPACE, PLACEHOLDER, region_of
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.settings.setting_value import argument_count_problem, name_problem, placeholder_problem
from trayalert.domain.text import as_written

MOST_COMMANDS = 12
_LONGEST_NAME = 40
_EXAMPLE = '"SSH" = ["x-terminal-emulator", "-e", "ssh", "root@{address}"]'

_NAME = re.compile(r"[^\W_][\w.-]{0,127}")
_PLACEHOLDERS = {
    "address": N_("address"), "id": N_("ID"), "name": N_("name"), "region": N_("region"), "account": N_("account"),
    "namespace": N_("namespace"),
}  # fmt: skip
"""Maps each placeholder to the word with which messages name its value."""

_POSIX_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ash", "ksh", "mksh", "fish", "csh", "tcsh"})
_SCRIPT_FOLLOWS = re.compile(r"-[A-Za-z]*c[A-Za-z]*|--command")


@dataclass(frozen=True, slots=True)
class CustomCommand:
    """A command that the admin has defined.

    `name` is the label of the command's menu entry. `arguments` contains the program, followed by the program's
    arguments. The program's arguments may contain `{placeholders}`. The name of the program must not contain a
    placeholder.
    """

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilledCommand:
    """The result of filling the placeholders of a command for one alert.

    If all placeholders were filled, `arguments` contains the program and its arguments, and `problem` is None. If a
    placeholder cannot be filled, `arguments` is empty, and `problem` is a clause that says why.
    """

    name: str
    arguments: tuple[str, ...] = ()
    problem: str | None = None


def fill_command(command: CustomCommand, alert: Alert, *, default_region: str | None = None) -> FilledCommand:
    """Fill the placeholders of a command with values from the alert.

    `default_region` is used if the alert contains no region.
    """
    needed = dict.fromkeys(PLACEHOLDER.findall(" ".join(command.arguments)))
    values = {name: _value(name, alert, default_region) for name in needed}
    for name, (sent, fit) in values.items():
        if fit is None:
            word = Phrase(_PLACEHOLDERS[name])
            problem = N_("its {word} cannot be passed on") if sent else N_("no {word} is known")
            return FilledCommand(command.name, problem=Phrase(problem, word=word))
    fits = {name: fit for name, (_, fit) in values.items() if fit is not None}
    filled = (PLACEHOLDER.sub(lambda match: fits[match[1]], argument) for argument in command.arguments)
    return FilledCommand(command.name, tuple(filled))


def _value(name: str, alert: Alert, default_region: str | None) -> tuple[str | None, str | None]:
    """Return the alert's value for a placeholder, and the value to pass to the program.

    The value to pass is None if there is no value, or if the value must not be passed on. If the alert's `region` is
    missing or not valid, the region to pass comes from the alert's dimensions or from `default_region`.
    """
    match name:
        case "address":
            return alert.address, _address(alert.address or "")
        case "region":
            return alert.region, region_of(alert, default_region)
    sent, pattern = {
        "id": (alert.resource_id, ID),
        "name": (alert.resource_name, _NAME),
        "account": (alert.account_id, ACCOUNT),
        "namespace": (alert.namespace, NAMESPACE),
    }[name]
    return sent, sent if sent and pattern.fullmatch(sent) else None


def _address(text: str) -> str | None:
    """Return the address in its canonical form, or None if the text is not an address that may be passed on.

    These addresses must not be passed on: unspecified, loopback, link-local and multicast addresses, and IPv6 addresses
    with a zone.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address
    local = address.is_unspecified or address.is_loopback or address.is_link_local or address.is_multicast
    return None if local else str(address)


def read_commands(value: object) -> tuple[tuple[CustomCommand, ...], tuple[str, ...]]:
    """Read the `[commands]` table. Return the valid commands, and a sentence for each problem."""
    if not isinstance(value, Mapping):
        problem = Phrase(
            "commands = {value}: must be a table with lines such as {example}.",
            value=as_written(value),
            example=_EXAMPLE,
        )
        return (), (problem,)
    commands: list[CustomCommand] = []
    problems: list[str] = []
    for name, arguments in value.items():
        wrong = command_problem(name, arguments)
        if wrong is None and len(commands) == MOST_COMMANDS:
            wrong = Phrase("there are {most} already", most=MOST_COMMANDS)
        if wrong is None:
            commands.append(CustomCommand(name, tuple(arguments)))
        else:
            problems.append(Phrase("commands.{name}: {wrong}; it is left out.", name=as_written(name), wrong=wrong))
    return tuple(commands), tuple(problems)


def command_problem(name: str, arguments: object) -> str | None:
    """Return a clause that says what is wrong with a command, or None if the command is valid."""
    if wrong := name_problem(name, longest=_LONGEST_NAME):
        return wrong
    if not isinstance(arguments, list) or not all(isinstance(argument, str) for argument in arguments):
        return Phrase("must be a list of texts, the program and its arguments, such as {example}", example=_EXAMPLE)
    return _argument_problem(arguments) or placeholder_problem(" ".join(arguments), tuple(_PLACEHOLDERS))


def _argument_problem(arguments: Sequence[str]) -> str | None:
    if not arguments or not arguments[0].strip():
        return Phrase("must begin with a program")
    if wrong := argument_count_problem(arguments):
        return wrong
    if not all(argument.isprintable() for argument in arguments):
        return Phrase("must hold no control character")
    if PLACEHOLDER.search(arguments[0]):
        return Phrase("must have no placeholder in the program's name")
    return _shell_problem(arguments)


def _shell_problem(arguments: Sequence[str]) -> str | None:
    """Return a clause if the command passes a script with a placeholder to a shell, else None.

    The shell would execute text from a callback as a part of the script. The shell may be the program itself, or an
    argument of another program.
    """
    for place, argument in enumerate(arguments):
        shell = re.split(r"[/\\]", argument)[-1].lower().removesuffix(".exe")
        if any(PLACEHOLDER.search(script) for script in _scripts(shell, arguments[place + 1 :])):
            return Phrase("must have no placeholder in what {shell} runs as a script", shell=shell)
    return None


def _scripts(shell: str, arguments: Sequence[str]) -> Sequence[str]:
    words = [argument.lower() for argument in arguments]
    if shell in {"powershell", "pwsh"}:
        return () if "-file" in words else arguments
    if shell == "cmd":  # all arguments that follow are one script
        return arguments if any(word.startswith(("/c", "/k")) for word in words) else ()
    if shell not in _POSIX_SHELLS:
        return ()
    scripts = [argument for argument in arguments if argument.startswith("--command=")]
    for place, argument in enumerate(arguments):
        if _SCRIPT_FOLLOWS.fullmatch(argument):  # the arguments after the script are its $0, $1 and so on
            scripts += [word for word in arguments[place + 1 :] if not word.startswith(("-", "+"))][:1]
    return scripts
