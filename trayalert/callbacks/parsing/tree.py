"""The named parts of a body, which may be nested as JSON or, in a form, as texts that contain JSON.

Names are compared without case, `_` and `-`: `alertStatus`, `alert_status` and `AlertStatus` are the same name. A part
counts as missing if it is absent, empty or the text `null`. Nothing in this module raises.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trayalert.callbacks.parsing.body import json_text, read_json, replace_surrogates


class Tree:
    """The named parts of a body or of an object in the body. A tree without parts is false."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts: dict[str, Any] = {}
        self._original = parts
        for name, value in parts.items():
            if value is not None and value not in ("", "null"):
                self._parts.setdefault(_normalise_name(name), value)

    def __bool__(self) -> bool:
        """Return whether the tree has any part."""
        return bool(self._parts)

    def has(self, *names: str) -> int:
        """Return how many of these parts are present."""
        return sum(_normalise_name(name) in self._parts for name in names)

    def text(self, *names: str) -> str | None:
        """Return the first of these parts that is a text, a number or a Boolean, written as text. Else return None."""
        for name in names:
            value = self._parts.get(_normalise_name(name))
            if isinstance(value, bool | str) and (text := json_text(value).strip()) and text != "null":
                return text
        return None

    def tree(self, *names: str) -> "Tree":
        """Return the first of these parts that is an object with parts. Else return an empty tree."""
        for name in names:
            value = _parse_nested(self._parts.get(_normalise_name(name)))
            if isinstance(value, dict) and value:
                return Tree(value)
        return Tree({})

    def trees(self, *names: str) -> tuple["Tree", ...]:
        """Return the first of these parts that is an object or a list of objects, as trees. Else return nothing."""
        for name in names:
            value = _parse_nested(self._parts.get(_normalise_name(name)))
            found = tuple(Tree(item) for item in _items(value) if isinstance(item, dict) and item)
            if found:
                return found
        return ()

    def without(self, *names: str) -> "Tree":
        """Return a tree of all parts except these."""
        excluded = set(map(_normalise_name, names))
        return Tree({name: value for name, value in self._original.items() if _normalise_name(name) not in excluded})

    def texts(self) -> dict[str, str]:
        """Return all parts as texts, by the names that were sent. An object or a list is written as JSON."""
        return {
            replace_surrogates(name): text
            for name, value in self._original.items()
            if (text := _text(value)) is not None
        }


def _text(value: object) -> str | None:
    text = json_text(value).strip()
    return None if text in {"", "null"} else text


def _normalise_name(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _parse_nested(value: object) -> object:
    """Parse a text that begins like JSON, and return None if it is not JSON. Return any other value unchanged."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        return read_json(value)
    return value


def _items(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from map(_parse_nested, value)
    elif value is not None:
        yield value
