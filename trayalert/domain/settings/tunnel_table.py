"""Parser for the `[tunnel]` table of the settings.

If a value is wrong or missing, no tunnel is started, because a tunnel that the admin does not want would be worse.
"""

import re
from collections.abc import Mapping
from typing import Any

from trayalert.domain.phrase import NAMES, Phrase, PhraseList
from trayalert.domain.settings.setting_value import (
    LONGEST_ARGUMENT,
    Reader,
    SettingError,
    argument_count_problem,
    checked,
    matching,
    placeholder_problem,
    whole_number,
)
from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.domain.text import as_written, suggestion
from trayalert.domain.tunnel import Tunnel

_MOST_REPEATS = 3
"""Maximum number of repeat operators, such as `*`, in the admin's `url_pattern`.

Each operator raises the exponent of the worst-case running time by one.
"""

_PLACEHOLDERS = ("host", "port", "address")

_SECRET = re.compile(
    r"(?:^|[-_.])(?:auth)?(?:token|secret|password|passwd|api-?key)(?:=|$)|bearer\s|^eyJ|://[^/@]*:[^/@]*@",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SSH_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9][A-Za-z0-9_.:-]{0,252}")
_BIND = re.compile(r"[A-Za-z0-9.:*-]{1,253}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def read_tunnel(value: object) -> tuple[Tunnel | None, tuple[str, ...]]:
    """Read the `[tunnel]` table. Return the tunnel, and a sentence for each problem.

    The tunnel is None if any value is wrong, or if a required key is missing.
    """
    if not isinstance(value, Mapping):
        # no message quotes a whole value, except that of `kind`, because a secret may have been put there by mistake
        wrong_type = Phrase('tunnel: must be one table [tunnel] with kind = "ssh" or another; no tunnel is started.')
        return None, (wrong_type,)
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in PRESETS:
        return None, (_kind_problem(kind),)
    values: dict[str, Any] = {}
    problems: list[str] = []
    bad = False
    for name, item in value.items():
        if name == "kind":
            continue
        if name not in _keys(kind):
            problems.append(_unknown_key_problem(name, kind))
            continue
        try:
            values[name] = _READERS[name](item)
        except SettingError as wrong:
            bad = True
            problems.append(Phrase("tunnel.{name}: {problem}; no tunnel is started.", name=name, problem=str(wrong)))
    missing = [] if bad else _missing_keys(kind, values)
    problems += [Phrase("tunnel: {problem}; no tunnel is started.", problem=line) for line in missing]
    return None if bad or missing else Tunnel(kind=kind, **values), tuple(problems)


def _kind_problem(kind: object) -> str:
    names = PhraseList((f'"{name}"' for name in PRESETS), separator=NAMES)
    if kind is None:
        return Phrase("tunnel.kind is missing: must be one of {names}; no tunnel is started.", names=names)
    value = as_written(kind)
    if guess := suggestion(str(kind), PRESETS):
        return Phrase(
            "tunnel.kind = {value}: must be one of {names} ({guess}); no tunnel is started.",
            value=value, names=names, guess=guess,
        )  # fmt: skip
    return Phrase("tunnel.kind = {value}: must be one of {names}; no tunnel is started.", value=value, names=names)


def _keys(kind: str) -> frozenset[str]:
    common = {"environment"} if kind == "command" else {"environment", "program", "arguments"}
    return PRESETS[kind].keys | common


def _unknown_key_problem(name: str, kind: str) -> str:
    shown = as_written(name, bare=True)
    if guess := suggestion(name, _keys(kind)):
        return Phrase(
            'tunnel.{name} is no setting of a tunnel of kind "{kind}"; {guess}', name=shown, kind=kind, guess=guess
        )
    return Phrase('tunnel.{name} is no setting of a tunnel of kind "{kind}".', name=shown, kind=kind)


def _missing_keys(kind: str, values: Mapping[str, Any]) -> list[str]:
    match kind:
        case "cloudflared" if not values.get("name") and not values.get("token_file"):
            return [Phrase("name the tunnel (name), or the file with its token (token_file)")]
        case "frpc" if not values.get("config"):
            return [Phrase("name frpc's file (config)")]
        case "ssh":
            required = {"host": Phrase('name the server (host), such as "user@alerts.example.com"')}
            required["remote_port"] = Phrase("name the port on the server that leads here (remote_port)")
            return [words for key, words in required.items() if key not in values]
        case "command" if not values.get("command"):
            return [Phrase('name the program and its arguments (command), such as ["bore", "local", "{port}"]')]
        case "command" if values.get("token_file") and not values.get("token_variable"):
            return [Phrase("say which variable the program reads its token from (token_variable)")]
    return []


def _text(expected: str) -> Reader:
    return checked(
        lambda value: (
            isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= LONGEST_ARGUMENT
        ),
        expected,
    )


def _arguments(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.isprintable() for item in value):
        raise SettingError(Phrase('must be a list of texts, such as ["--region", "eu"]'))
    if wrong := argument_count_problem(value):
        raise SettingError(wrong)
    if any(_SECRET.search(item) for item in value):
        raise SettingError(
            Phrase(
                "holds what looks like a secret, and every user of this computer can read a program's arguments: put it"
                " into a file of its own and name that (token_file)"
            )
        )
    return tuple(value)


def _command(value: object) -> tuple[str, ...]:
    command = _arguments(value)
    if not command or not command[0].strip() or "{" in command[0]:
        raise SettingError(Phrase("must begin with a program, with no placeholder in it"))
    if wrong := placeholder_problem(" ".join(command), _PLACEHOLDERS):
        raise SettingError(wrong)
    return command


def _is_environment(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(item, str) and "\0" not in item and _VARIABLE.fullmatch(name) for name, item in value.items()
    )


_PATTERN = _text(Phrase(r'a regular expression, such as "https://[a-z0-9-]+\\.example\\.com"'))


def _url_pattern(value: object) -> str:
    """Return the value, a regular expression. Raise `SettingError` if the expression is invalid or could be slow.

    A slow pattern would block the event loop, which searches the tunnel's output for the pattern.
    """
    text = str(_PATTERN(value))
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise SettingError(Phrase("is no regular expression")) from error
    bare = re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "x", re.sub(r"\\[^1-9]", "x", text.replace("\\\\", "x")))
    if re.search(r"\)[*+{]", bare) or re.search(r"\\[1-9]|\(\?P=|\(\?\(", bare):
        raise SettingError(
            Phrase("must repeat single characters only, no group, and refer to no group: it could take for ever")
        )
    if len(re.findall(r"(?<!\()[*+{]", bare)) > _MOST_REPEATS:
        raise SettingError(Phrase("must have at most {most} repeats: it could take for ever", most=_MOST_REPEATS))
    if pattern.search("") is not None:
        raise SettingError(Phrase("must not fit a line with nothing in it"))
    return text


_FILE = _text(Phrase('the path of a file, such as "/etc/trayalert/token"'))
_READERS: dict[str, Reader] = {
    "program": _FILE,
    "arguments": _arguments,
    "environment": checked(
        _is_environment, Phrase('a table of names and texts, such as { HTTPS_PROXY = "http://10.0.0.1:3128" }')
    ),
    "token_file": _FILE,
    "token_variable": matching(_VARIABLE, Phrase("the name of a variable of the environment")),
    "name": matching(_NAME, Phrase("the name or id of a tunnel")),
    "config": _FILE,
    "host": matching(_SSH_HOST, Phrase('a server as ssh takes it, such as "user@alerts.example.com"')),
    "ssh_port": whole_number(1, 65535),
    "remote_port": whole_number(1, 65535),
    "remote_host": matching(_BIND, Phrase('an address of the server, such as "localhost" or "*"')),
    "identity": _FILE,
    "command": _command,
    "url_pattern": _url_pattern,
}


def entry_problem(name: str, value: object) -> str | None:
    """Return what is wrong with the value of one key of the table, or None. The text has no subject: `must be ...`."""
    try:
        _READERS[name](value)
    except SettingError as wrong:
        return str(wrong)
    return None
