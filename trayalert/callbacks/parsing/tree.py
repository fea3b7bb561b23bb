"""The named parts of a body, which may be nested. A nested part is a JSON object, or a string that contains JSON.

Names are compared without regard to case, `_` and `-`: `alertStatus`, `alert_status` and `AlertStatus` are the same
name. A part counts as missing if it is absent, empty or the string `null`. No function in this module raises.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trayalert.callbacks.parsing.body import json_text, read_json, replace_surrogates


class Tree:
    """The named parts of a body, or of an object inside the body. A tree without parts is false."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts: dict[str, Any] = {}
        self._original = parts
        for name, value in parts.items():
            if value is not None and value not in ("", "null"):
                self._parts.setdefault(_normalise_name(name), value)

    def __bool__(self) -> bool:
        """Return whether the tree has any parts."""
        return bool(self._parts)

    def has(self, *names: str) -> int:
        """Return how many parts with the given names the tree has."""
        return sum(_normalise_name(name) in self._parts for name in names)

    def text(self, *names: str) -> str | None:
        """Return, as a string, the first of the named parts that is a string, a number or a Boolean.

        Return None if there is no such part.
        """
        for name in names:
            value = self._parts.get(_normalise_name(name))
            if isinstance(value, bool | str) and (text := json_text(value).strip()) and text != "null":
                return text
        return None

    def tree(self, *names: str) -> "Tree":
        """Return the first of the named parts that is a non-empty object, or an empty tree if there is no such part."""
        for name in names:
            value = _parse_nested(self._parts.get(_normalise_name(name)))
            if isinstance(value, dict) and value:
                return Tree(value)
        return Tree({})

    def trees(self, *names: str) -> tuple["Tree", ...]:
        """Return the non-empty objects of the first named part that contains a non-empty object.

        A named part can be a single object or a list. List items that are not objects are left out. Return an empty
        tuple if no named part contains a non-empty object.
        """
        for name in names:
            value = _parse_nested(self._parts.get(_normalise_name(name)))
            found = tuple(Tree(item) for item in _items(value) if isinstance(item, dict) and item)
            if found:
                return found
        return ()

    def without(self, *names: str) -> "Tree":
        """Return a tree with all parts except the named ones."""
        excluded = set(map(_normalise_name, names))
        return Tree({name: value for name, value in self._original.items() if _normalise_name(name) not in excluded})

    def texts(self) -> dict[str, str]:
        """Return every part as a string, keyed by its name as it was sent. Objects and lists are written as JSON."""
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
    """Parse the value if it is a string that begins like a JSON object or list. Return any other value unchanged.

    Return None for a string that begins like JSON but is not JSON.
    """
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        return read_json(value)
    return value


def _items(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from map(_parse_nested, value)
    elif value is not None:
        yield value
