"""Parsers for the usual kinds of setting values, and checks that say what is wrong with a value.

A parser has the type `Reader`. It takes a value as the TOML library returns it, and returns the value of the setting.
If the value is wrong, the parser raises `SettingError`. In the message to the user, the text of a `SettingError`
follows the name of the setting.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeGuard

from trayalert.domain.incident.console_link import PLACEHOLDER
from trayalert.domain.phrase import Phrase
from trayalert.domain.text import as_written, printable, suggestion

Reader = Callable[[object], Any]

MOST_HOURS = 24 * 366
LONGEST_ARGUMENT = 1_000
_MOST_ARGUMENTS = 64


class SettingError(ValueError):
    """Raised if the value of a setting is wrong. The text says what is expected."""


def optional(reader: Reader) -> Reader:
    """Return a parser that returns None for an empty string, and calls `reader` for any other value.

    An empty string means that the setting is not set.
    """
    return lambda value: None if value == "" else reader(value)


def one_of(choices: Iterable[str], expected: str) -> Reader:
    """Return a parser that accepts only the choices. The parser returns the choice that is equal to the value.

    `expected` describes the choices in the text of the `SettingError`. `N_` must mark the description.
    """

    def read(value: object) -> str:
        for choice in choices:
            if choice == value:
                return choice
        raise SettingError(Phrase("must be {expected}", expected=Phrase(expected)))

    return read


def checked(is_valid: Callable[[Any], object], expected: str) -> Reader:
    """Return a parser that accepts only values for which `is_valid` returns a true value.

    The parser returns an accepted value unchanged. `expected` describes the accepted values in the text of the
    `SettingError`. `N_` must mark the description.
    """

    def read(value: object) -> object:
        if not is_valid(value):
            raise SettingError(Phrase("must be {expected}", expected=Phrase(expected)))
        return value

    return read


def matching(pattern: str | re.Pattern[str], expected: str) -> Reader:
    """Return a parser that accepts only strings that match the whole pattern.

    `expected` describes the accepted strings in the text of the `SettingError`. `N_` must mark the description.
    """
    return checked(lambda value: isinstance(value, str) and re.fullmatch(pattern, value), expected)


def whole_number(least: int, most: int, *, of: str = "", zero: str = "") -> Reader:
    """Return a parser that accepts only whole numbers from `least` to `most`.

    If `zero` is given, the parser also accepts 0. In the error message, `of` names the unit, and `zero` explains what 0
    means. `N_` must mark both texts.
    """
    number = Phrase("a whole number from {least} to {most}", least=least, most=most)
    if of:
        number = Phrase("a whole number of {unit} from {least} to {most}", unit=Phrase(of), least=least, most=most)
    expected = Phrase("{number} ({zero})", number=number, zero=Phrase(zero)) if zero else number

    def read(value: object) -> int:
        if type(value) is int and (least <= value <= most or (zero and value == 0)):
            return value
        raise SettingError(Phrase("must be {expected}", expected=expected))

    return read


def is_hours(value: object) -> TypeGuard[float]:
    """Return whether the value is a number of hours that is above 0 and at most MOST_HOURS."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_HOURS


def name_problem(name: object, *, longest: int) -> str | None:
    """Return a clause that says what is wrong with the name of a table entry, or None if the name is valid."""
    if isinstance(name, str) and name.strip() and len(name) <= longest and printable(name) == name:
        return None
    return Phrase("its name must be a line of 1 to {longest} characters", longest=longest)


def argument_count_problem(arguments: Sequence[str]) -> str | None:
    """Return a clause if there are too many arguments or one argument is too long, else None."""
    if len(arguments) <= _MOST_ARGUMENTS and all(len(argument) <= LONGEST_ARGUMENT for argument in arguments):
        return None
    return Phrase(
        "must have at most {most} texts of {longest} characters", most=_MOST_ARGUMENTS, longest=LONGEST_ARGUMENT
    )


def placeholder_problem(text: str, placeholders: Sequence[str]) -> str | None:
    """Return a clause about the first unknown placeholder in the text, or None if all placeholders are known.

    `placeholders` are the known names.
    """
    for name in PLACEHOLDER.findall(text):
        if name not in placeholders:
            hint = suggestion(name.lower(), placeholders, form="{{{}}}", or_all=True)
            written = as_written(name, bare=True)
            return Phrase("{placeholder} is no placeholder ({hint})", placeholder=f"{{{written}}}", hint=hint)
    return None
