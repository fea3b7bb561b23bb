"""The fields for each kind of tunnel, and their conversion to and from the settings' `[tunnel]` table.

No field holds a secret: the user enters only the path of a file that contains the secret. The kinds, their titles and
their notes are in `domain/settings/tunnel_presets.py`.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trayalert.domain.settings.tunnel_presets import PRESETS


@dataclass(frozen=True, slots=True)
class Field:
    """One line that the user fills in.

    `key` identifies the field, and is usually also the name of the field's entry in the `[tunnel]` table. In `label`,
    `&` marks the mnemonic. If `file` is true, the field contains the path of a file, and the user can choose the file
    in a dialog.
    """

    key: str
    label: str
    placeholder: str = ""
    file: bool = False


PUBLIC_URL: Final = Field("public_url", "P&ublic address", "https://alerts.example.com")
_TOKEN = Field("token_file", "File with the to&ken", "/home/me/.config/tunnel-token, readable by you alone", file=True)

_FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {
    "cloudflared": (Field("name", "Na&me of the tunnel", "name or id; not needed with a token"), _TOKEN),
    "ngrok": (_TOKEN, Field("domain", "&Domain of the account", "such as alerts.ngrok.app; else the URL may change")),
    "frpc": (Field("config", "frpc's fi&le", "/home/me/frpc.toml", file=True), _TOKEN),
    "ssh": (
        Field("host", "Se&rver", "user@alerts.example.com"),
        Field("remote_port", "Port &there", "such as 8765: the server's web server passes on to it"),
        Field("identity", "&Key file", "empty: as ssh itself decides", file=True),
        Field("ssh_port", "ssh's p&ort", "empty: 22, or as ssh's own settings say"),
    ),
    "command": (
        Field("command", "Co&mmand", "bore local {port} --to bore.example.com"),
        Field("url_pattern", "Address in its &output", "a regular expression; empty: the address stays"),
        _TOKEN,
        Field("token_variable", "&Variable for the token", "such as BORE_SECRET"),
    ),
}
_NUMBERS: Final = frozenset({"remote_port", "ssh_port"})


def fields_of(kind: str) -> tuple[Field, ...]:
    """Return the fields for a kind of tunnel.

    The field for the public address is included only if the address cannot be read from the tunnel program's output.
    """
    own = _FIELDS.get(kind, ())
    return own if kind not in PRESETS or PRESETS[kind].url_pattern is not None else (*own, PUBLIC_URL)


def tunnel_table(kind: str, entered: Mapping[str, str]) -> dict[str, object]:
    """Return the settings' `[tunnel]` table for a kind of tunnel and the entered values.

    `entered` maps the keys of the fields to the entered texts. Empty fields and the public address get no entry in the
    table. Raise ValueError if the entered command has an unclosed quote.
    """
    table: dict[str, object] = {"kind": kind}
    for key, text in entered.items():
        value = text.strip()
        if not value or key == PUBLIC_URL.key:
            continue
        if key == "domain":
            table["arguments"] = ["--url", value if "://" in value else f"https://{value}"]
        elif key == "command":
            table[key] = shlex.split(value)
        else:
            table[key] = int(value) if key in _NUMBERS and value.isascii() and value.isdigit() else value
    return table


def other_entries(kind: str, tunnel: Mapping[str, object]) -> dict[str, object]:
    """Return those entries of a `[tunnel]` table that have no field for this kind of tunnel.

    The admin has written these entries into the settings, and the assistant keeps them. If the table is for another
    kind of tunnel, return an empty dict.
    """
    own_keys = {"kind", *(field.key for field in fields_of(kind))}
    if "domain" in own_keys and "domain" in field_texts(tunnel):
        own_keys.add("arguments")
    own = tunnel if tunnel.get("kind") == kind else {}
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in own.items() if key not in own_keys
    }


def _quoted(part: str) -> str:
    """Quote one argument of a command, so that `shlex.split` returns it unchanged.

    `shlex.quote` alone would add quotes to more arguments, such as `{port}`, and make the command less readable.
    """
    return part if re.fullmatch(r"[^\s'\"\\]+", part) else shlex.quote(part)


def field_texts(tunnel: Mapping[str, object]) -> dict[str, str]:
    """Return the texts that the fields show for a `[tunnel]` table, keyed by `Field.key`."""
    texts: dict[str, str] = {}
    for key, value in tunnel.items():
        match key, value:
            case "command", [*parts]:
                texts[key] = " ".join(_quoted(str(part)) for part in parts)
            case "arguments", ["--url", domain]:
                texts["domain"] = str(domain).removeprefix("https://")
            case _, str() | int():
                texts[key] = str(value)
    return texts
