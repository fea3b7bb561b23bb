"""Parses the field `dimensions` of a callback.

The field is a Java map `{k=v, k2=v2}`, a JSON list or object, a Python dictionary, or bare pairs `k=v,k2=v2`.

The Java form is ambiguous, because values may contain `=`, `,`, spaces and `}`. These rules decide:

- `, ` separates two pairs only if `key=` follows.
- The first `=` of a pair ends the key.
- Only the outer braces are removed.
- A map cannot contain a key twice. Text that looks like a second pair with the same key is part of the previous value.
"""

import re

from trayalert.callbacks.parsing.body import json_text, read_json, replace_surrogates

_JSON = re.compile(r"\[|\{\s*[\"}]")
_PYTHON = re.compile(r"\[?\s*\{\s*u?'")
_PYTHON_PAIR = re.compile(r"""u?(?:'([^'\\]*)'|"([^"\\]*)")\s*:\s*u?(?:'([^'\\]*)'|"([^"\\]*)"|[\w.+-]+)""")
_SPLIT_IN_BRACES = re.compile(r", (?=[^\s=,{}]+=)")
_SPLIT_BARE = re.compile(r",\s*(?=[^\s=,{}]+=)")


def read_dimensions(text: str | None) -> dict[str, str]:
    """Parse the field `dimensions` in any of its formats. Text that is not a dimension is ignored."""
    text = (text or "").strip()
    if _JSON.match(text):
        document = _read_json(text)
        if document is not None:
            return document
    if _PYTHON.match(text):
        return {pair[1] or pair[2]: pair[3] or pair[4] or "" for pair in _PYTHON_PAIR.finditer(text)}
    if text.startswith("{"):
        inner = text[1:].removesuffix("}")
        return _read_pairs(_SPLIT_IN_BRACES.split(inner), comma=", ")
    return _read_pairs(_SPLIT_BARE.split(text), comma=",")


def _read_pairs(pairs: list[str], *, comma: str) -> dict[str, str]:
    dimensions: dict[str, list[str]] = {}
    name = ""
    for pair in pairs:
        key, sign, value = pair.partition("=")
        key = key.strip()
        if key in dimensions:
            dimensions[name].append(pair)
        elif sign and key:
            name = key
            dimensions[name] = [value]
    return {name: comma.join(parts).strip() for name, parts in dimensions.items()}


def _read_json(text: str) -> dict[str, str] | None:
    document = read_json(text)
    if document is None:
        return None
    dimensions: dict[str, str] = {}
    for part in document if isinstance(document, list) else [document]:
        if isinstance(part, dict):
            for name, value in part.items():
                if value is not None:
                    dimensions.setdefault(replace_surrogates(name), json_text(value))
    return dimensions
