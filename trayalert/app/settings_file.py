"""Writes the chosen ingress or language into settings.toml, a file that the admin also edits manually.

The rest of the file, including comments, stays as it is. If the choice cannot be written in this way, the file is left
unchanged, and SettingsFault contains the lines for the admin to add. This module needs much memory, because it imports
tomlkit. Therefore, import this module only to write the settings.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Comment, SingleKey, Table, Whitespace

from trayalert.app.platform.places import Places
from trayalert.domain.fault import Fault, os_reason
from trayalert.domain.phrase import Phrase, PhraseList
from trayalert.domain.settings.ingress import ChosenIngress, Ingress
from trayalert.domain.settings.settings import Settings, parse_settings
from trayalert.durable_file import write_private

Chosen = ChosenIngress | str
"""What the user has chosen: an ingress, or a value of the setting `language`."""

_BOM = "\ufeff"
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)


class SettingsFault(Fault):
    """The settings were not written. The message says why.

    `lines` is the TOML that the admin can add manually, or an empty string.
    """

    def __init__(self, reason: str, lines: str) -> None:
        self.lines = lines
        super().__init__(
            Phrase("{reason} Write it yourself:\n{lines}", reason=reason, lines=lines) if lines else reason
        )


def change_settings(places: Places, chosen: Chosen) -> Settings:
    """Write the chosen ingress or language into settings.toml and return the new settings.

    If the file cannot be read, changed or written, leave it unchanged and raise SettingsFault.
    """
    path = places.settings
    target = path.resolve() if path.is_symlink() else path  # so that the write does not replace a symbolic link
    try:
        before = _read(target)
        text = before.decode("utf-8")
    except OSError as error:
        reason = Phrase("{path} cannot be read: {reason}.", path=path, reason=os_reason(error))
        raise SettingsFault(reason, _lines(chosen)) from error
    except ValueError as error:
        reason = Phrase("{path} is not UTF-8, and is left as it is.", path=path)
        raise SettingsFault(reason, _lines(chosen)) from error
    after = changed_text(text, chosen, name=str(path))
    settings, problems = parse_settings(after.removeprefix(_BOM))
    new = [problem for problem in problems if problem not in parse_settings(text.removeprefix(_BOM))[1]]
    if new:
        raise SettingsFault(Phrase("The settings were not changed: {problems}", problems=PhraseList(new)), "")
    try:
        _make_folder(target.parent)
        if _read(target) != before:
            reason = Phrase("{path} was changed by another program just now, and is left as it is.", path=path)
            raise SettingsFault(reason, _lines(chosen))
        if after != text:
            write_private(target, after)
    except OSError as error:
        reason = Phrase("{path} cannot be written: {reason}.", path=path, reason=os_reason(error))
        raise SettingsFault(reason, _lines(chosen)) from error
    return settings


def changed_text(text: str, chosen: Chosen, *, name: str) -> str:
    """Return the content of settings.toml with the chosen ingress or language written into it.

    `text` is the current content, and `name` is the file name that messages mention. Raise SettingsFault if `text` is
    not TOML, or if the change would alter any other setting.
    """
    bom, plain = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    values = _values(chosen)
    try:
        expected = tomllib.loads(plain)
        document = tomlkit.parse(plain if plain.endswith("\n") or not plain else plain + "\n")
        added = ""
        for key, value in values.items():
            if key == "tunnel":
                added = _set_tunnel(document, value)
            else:
                _set(document, key, value)
        after = document.as_string() + added
        found = tomllib.loads(after)
    except (TOMLKitError, ValueError, RecursionError) as error:
        reason = Phrase("{path} is not TOML, and is left as it is.", path=name)
        raise SettingsFault(reason, _lines(chosen)) from error
    for key, value in values.items():
        expected.pop(key, None)
        if value:
            expected[key] = value
    if found != expected or _loses_comment(plain, after):
        reason = Phrase("{path} is too intricate to be changed, and is left as it is.", path=name)
        raise SettingsFault(reason, _lines(chosen))
    return bom + after


def _loses_comment(before: str, after: str) -> bool:
    """Return whether a comment line in `before` is missing from `after`."""
    return bool(Counter(_COMMENT.findall(before)) - Counter(_COMMENT.findall(after)))


def _values(chosen: Chosen) -> dict[str, Any]:
    """Return the chosen settings. The settings that must be removed are None or empty."""
    if isinstance(chosen, str):
        return {"language": chosen}
    return {"public_url": chosen.public_url or None, "tunnel": _tunnel(chosen)}


def _tunnel(chosen: ChosenIngress) -> dict[str, Any]:
    """Return the content of the `[tunnel]` table, or an empty dict if the ingress is not a tunnel."""
    if chosen.ingress is not Ingress.TUNNEL:
        return {}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in chosen.tunnel.items()
            if value is not None and value not in ("", [], ())}  # fmt: skip


def _lines(chosen: Chosen) -> str:
    return tomlkit.dumps({name: value for name, value in _values(chosen).items() if value}).strip()


def _set(container: Container, name: str, value: object) -> None:
    """Set the key `name` to `value`, or remove the key if `value` is None.

    A new key is inserted after the last value that is not a table.
    """
    if value is None:
        if name in container:
            container.remove(name)
    elif name not in container:
        _insert(container, name, value)
    elif container[name] != value:  # an equal value is not set again, so that its line stays as the admin wrote it
        container[name] = value


def _insert(container: Container, name: str, value: object) -> None:
    """Insert a key directly after the last value that is not a table.

    Comments after this value may describe the next table, so the key must be inserted before these comments.
    """
    body = container.body
    values = [place for place, (key, item) in enumerate(body) if key and not isinstance(item, Table | AoT)]
    body.insert(values[-1] + 1 if values else 0, (SingleKey(name), tomlkit.item(value)))


def _set_tunnel(document: Container, tunnel: Mapping[str, Any]) -> str:
    """Replace the `[tunnel]` table in the document with `tunnel`. Return the TOML that the caller must append.

    - If `tunnel` is empty, all `[tunnel]` tables are removed, and the returned string is empty.
    - A single `[tunnel]` table that contains no other table is changed in place, and the returned string is empty.
    - In all other cases, the `[tunnel]` tables are removed, and the returned string contains the new table.

    The comments in a removed table stay in the document.
    """
    places = [place for place, (key, _) in enumerate(document.body) if key is not None and key.key == "tunnel"]
    if len(places) == 1 and tunnel:
        table = document.body[places[0]][1]
        if isinstance(table, Table) and not any(isinstance(inner, Table | AoT) for _, inner in table.value.body):
            for name in [*table.value]:
                if name not in tunnel:
                    table.value.remove(name)
            for name, value in tunnel.items():
                _set(table.value, name, value)
            return ""
    for place in reversed(places):
        document.body[place : place + 1] = [(None, item) for item in _comments(document.body[place][1])]
    if not tunnel:
        return ""
    return ("\n" if document.body else "") + tomlkit.dumps({"tunnel": dict(tunnel)})


def _comments(item: Any) -> Iterator[Any]:
    """Yield the comments and blank lines of a table.

    tomlkit counts the comments above the next table as part of this table, so these comments are included.
    """
    for key, inner in item.value.body if isinstance(item, Table) else ():
        if key is None and isinstance(inner, Comment | Whitespace):
            yield inner
        elif isinstance(inner, Table):
            yield from _comments(inner)


def _make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, all with mode 0700."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
