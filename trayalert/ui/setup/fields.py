"""The fields for each kind of tunnel, and their conversion to and from the settings' `[tunnel]` table.

No field holds a secret: the user enters only the path of a file that contains the secret. The kinds, their titles and
their notes are in `domain/settings/tunnel_presets.py`.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trayalert.domain.phrase import N_, Phrase, as_clause
from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.domain.settings.tunnel_table import entry_problem, read_tunnel


@dataclass(frozen=True, slots=True)
class Field:
    """One line that the user fills in.

    `key` identifies the field, and is usually also the name of the field's entry in the `[tunnel]` table. `label` is
    the name with `&` before the mnemonic. A placeholder that is only an example is not translated. `button` is the
    accessible name of the button that opens a dialog to choose a file. If `button` is empty, the field is no path.
    """

    key: str
    name: str
    label: str
    placeholder: str
    button: str = ""


PUBLIC_URL: Final = Field("public_url", N_("Public address"), N_("P&ublic address"), "https://alerts.example.com")
_TOKEN = Field(
    "token_file",
    N_("File with the token"),
    N_("File with the to&ken"),
    N_("/home/me/.config/tunnel-token, readable by you alone"),
    N_("Choose the file with the token"),
)

_FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {
    "cloudflared": (
        Field("name", N_("Name of the tunnel"), N_("Na&me of the tunnel"), N_("name or id; not needed with a token")),
        _TOKEN,
    ),
    "ngrok": (
        _TOKEN,
        Field(
            "domain",
            N_("Domain of the account"),
            N_("&Domain of the account"),
            N_("such as alerts.ngrok.app; else the URL may change"),
        ),
    ),
    "frpc": (
        Field("config", N_("frpc's file"), N_("frpc's fi&le"), "/home/me/frpc.toml", N_("Choose frpc's file")),
        _TOKEN,
    ),
    "ssh": (
        Field("host", N_("Server"), N_("Se&rver"), "user@alerts.example.com"),
        Field(
            "remote_port",
            N_("Port there"),
            N_("Port &there"),
            N_("such as 8765: the server's web server passes on to it"),
        ),
        Field(
            "identity", N_("Key file"), N_("&Key file"), N_("empty: as ssh itself decides"), N_("Choose the key file")
        ),
        Field("ssh_port", N_("ssh's port"), N_("ssh's p&ort"), N_("empty: 22, or as ssh's own settings say")),
    ),
    "command": (
        Field("command", N_("Command"), N_("Co&mmand"), "bore local {port} --to bore.example.com"),
        Field(
            "url_pattern",
            N_("Address in its output"),
            N_("Address in its &output"),
            N_("a regular expression; empty: the address stays"),
        ),
        _TOKEN,
        Field("token_variable", N_("Variable for the token"), N_("&Variable for the token"), N_("such as BORE_SECRET")),
    ),
}
_REQUIRED: Final = {
    "cloudflared": (({"name", "token_file"}, N_("Name the tunnel, or the file with its token.")),),
    "frpc": (({"config"}, N_("Name frpc's file.")),),
    "ssh": (
        ({"host"}, N_('Name the server, such as "user@alerts.example.com".')),
        ({"remote_port"}, N_("Name the port on the server that leads here.")),
    ),
    "command": (({"command"}, N_("Name the program and its arguments.")),),
}
"""Maps kinds of tunnel to sets of keys. One key of each set must have a value, else the sentence asks for it."""
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


def table_problem(kind: str, table: Mapping[str, object]) -> str | None:
    """Return a sentence that says what is wrong with a `[tunnel]` table, or None if the table is complete.

    The sentence uses the names of the fields. If the value is one that has no field, the sentence names the setting.
    """
    for field in fields_of(kind):
        entry = "arguments" if field.key == "domain" else field.key
        if entry in table and (problem := entry_problem(entry, table[entry])):
            return Phrase("{field}: {problem}.", field=Phrase(field.name), problem=as_clause(problem))
    return _missing_text(kind, table) or next(iter(read_tunnel(table)[1]), None)


def _missing_text(kind: str, table: Mapping[str, object]) -> str | None:
    """Return a sentence that asks for the first missing value that this kind of tunnel needs."""
    for keys, sentence in _REQUIRED.get(kind, ()):
        if not keys & set(table):
            return Phrase(sentence)
    if kind == "command" and "token_file" in table and "token_variable" not in table:
        return Phrase("Say which variable the program reads its token from.")
    return None
