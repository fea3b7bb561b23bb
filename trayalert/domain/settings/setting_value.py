"""One value of the settings: readers of the usual forms, and what is wrong with a value.

A reader takes the value that TOML gives. It raises SettingError, whose text stands behind the setting's name.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeGuard

from trayalert.domain.incident.console_link import PLACEHOLDER
from trayalert.domain.text import as_written, printable, suggestion

Reader = Callable[[object], Any]

MOST_HOURS = 24 * 366
LONGEST_ARGUMENT = 1_000
_MOST_ARGUMENTS = 64


class SettingError(ValueError):
    """The text names what is expected."""


def optional(reader: Reader) -> Reader:
    """Return a reader that takes an empty text for a setting that is not set (None)."""
    return lambda value: None if value == "" else reader(value)


def one_of(choices: Iterable[str], expected: str) -> Reader:
    """Return a reader of the choices, which returns the choice that equals the value."""

    def read(value: object) -> str:
        for choice in choices:
            if choice == value:
                return choice
        raise SettingError(f"must be {expected}")

    return read


def checked(is_valid: Callable[[Any], object], expected: str) -> Reader:
    """Return a reader of the values for which `is_valid` holds."""

    def read(value: object) -> object:
        if not is_valid(value):
            raise SettingError(f"must be {expected}")
        return value

    return read


def matching(pattern: str | re.Pattern[str], expected: str) -> Reader:
    """Return a reader of texts that the whole pattern matches."""
    return checked(lambda value: isinstance(value, str) and re.fullmatch(pattern, value), expected)


def whole_number(least: int, most: int, *, of: str = "", zero: str = "") -> Reader:
    """Return a reader of whole numbers. With `zero`, the meaning of 0, 0 is allowed too."""
    expected = f"a whole number{of and f' of {of}'} from {least} to {most}{zero}"
    return checked(lambda value: type(value) is int and (least <= value <= most or (zero and value == 0)), expected)


def is_hours(value: object) -> TypeGuard[float]:
    """Whether the value is a number of hours above 0, and MOST_HOURS at most."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_HOURS


def name_problem(name: object, *, longest: int) -> str | None:
    """Return what is wrong with the name that a person gave to an entry of a table, else None."""
    if isinstance(name, str) and name.strip() and len(name) <= longest and printable(name) == name:
        return None
    return f"its name must be a line of 1 to {longest} characters"


def argument_count_problem(arguments: Sequence[str]) -> str | None:
    """Return the problem if a program's arguments are too many or too long, else None."""
    if len(arguments) <= _MOST_ARGUMENTS and all(len(argument) <= LONGEST_ARGUMENT for argument in arguments):
        return None
    return f"must have at most {_MOST_ARGUMENTS} texts of {LONGEST_ARGUMENT} characters"


def placeholder_problem(text: str, placeholders: Sequence[str]) -> str | None:
    """Return the problem if a `{placeholder}` of the text is unknown, else None."""
    for name in PLACEHOLDER.findall(text):
        if name not in placeholders:
            hint = suggestion(name.lower(), placeholders, form="{{{}}}", or_all=True)
            return f"{{{as_written(name, bare=True)}}} is no placeholder ({hint})"
    return None
