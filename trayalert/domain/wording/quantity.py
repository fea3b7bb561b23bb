"""Formats numbers with their units for the user, such as `97.4 %`, `1.2 GB/s` and `12 000`.

Rounding never misleads: a value below 100 % is never shown as 100 %, and a value above 0 is never shown as 0.
Formatting a number takes a limited time, even if a hostile sender has chosen the number.
"""

import math
import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from trayalert.domain.phrase import N_
from trayalert.domain.text import printable
from trayalert.domain.wording.language import Language, localised_duration
from trayalert.domain.wording.unit import Measure, Unit, read_unit

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
"""The separator between groups of three digits."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?")
_HUGE, _TINY = Decimal("1e15"), Decimal("1e-6")
_TENTH, _THOUSANDTH = Decimal("0.1"), Decimal("0.001")
_ROUNDS_TO_1000 = Decimal("999.95")
_ONE = Decimal(1)
_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_SHORT_TIMES = (N_("ns"), N_("µs"), N_("ms"), N_("s"))
_LONGEST_TIME = 10**10
"""Limit in seconds. A time of this length or more is shown as a number of seconds instead of days and hours."""


def quantity_text(
    value: float | None, text: str | None, unit: str | None, language: Language, *, exact: bool = False
) -> str:
    """Format a value with its unit.

    `text` is the value as it was sent. `value` is the same value as a number, or None if `text` is not a number. If
    `exact` is true, the value is a threshold from a rule, and is shown with more decimals.
    """
    if value is None or not math.isfinite(value):
        return printable(text, limit=40)
    sent = (text or "").strip()
    number = Decimal(sent) if _NUMBER.fullmatch(sent) else Decimal(repr(value))
    return _with_unit(number, read_unit(unit or ""), language, exact=exact)


def _with_unit(number: Decimal, unit: Unit, language: Language, *, exact: bool) -> str:
    per = language.say(unit.per) if unit.per else ""
    match unit.measure:
        case Measure.PERCENT:
            return f"{_plain_number(number, exact=exact) if exact else _percent(number)} %{per}"
        case Measure.BYTES | Measure.BITS:
            sign = "B" if unit.measure is Measure.BYTES else "bit"
            per = unit.per if unit.per == "/s" else per  # written as `/s` in Chinese, too
            return f"{_scaled(number * unit.factor, exact=exact)}{sign}{per}"
        case Measure.SECONDS:
            return _time(number * unit.factor, language, exact=exact)
        case Measure.COUNT:
            word = f" {unit.word}" if unit.word and language is Language.ZH else ""
        case Measure.NAMED:
            word = f" {language.say(unit.word)}"
            if number == 1 and language is Language.EN:
                word = word.removesuffix("s")
        case Measure.OTHER:
            word = f" {unit.word}"
    return f"{_plain_number(number, exact=exact)}{word}{per}"


def _plain_number(number: Decimal, *, exact: bool = False) -> str:
    """Format a number with about three digits or, if `exact` is true, with up to six decimals.

    A whole number is written in full. Very large and very small numbers are written with up to four digits and an
    exponent.
    """
    size = abs(number)
    if size >= _HUGE or 0 < size < _TINY:
        return f"{float(number):.4g}"
    if number == number.to_integral_value():
        return _grouped(number)
    if exact:
        return _grouped(number.quantize(_TINY, ROUND_HALF_UP))
    places = 1 if size >= 10 else 2 if size >= 1 else 1 - number.adjusted()
    return _grouped(number.quantize(_ONE.scaleb(-places), ROUND_HALF_UP))


def _percent(number: Decimal) -> str:
    size = abs(number)
    if not 1 <= size < _HUGE:
        return _plain_number(number)
    rounded = number.quantize(_TENTH, ROUND_HALF_UP)
    if size < 100 <= abs(rounded):
        rounded = number.quantize(Decimal("0.01"), ROUND_DOWN)
    return _grouped(rounded)


def _scaled(number: Decimal, *, exact: bool) -> str:
    """Format a number with the largest prefix, such as k, M or G, that leaves the number at 1 or above."""
    step, full = 0, 1000 if exact else _ROUNDS_TO_1000
    while step < len(_PREFIXES) - 1 and abs(number) >= full:
        number, step = number.scaleb(-3), step + 1
    if step and abs(number) < _HUGE:
        return f"{_grouped(number.quantize(_THOUSANDTH if exact else _TENTH, ROUND_HALF_UP))} {_PREFIXES[step]}"
    return f"{_plain_number(number, exact=exact)} {_PREFIXES[step]}"


def _time(seconds: Decimal, language: Language, *, exact: bool) -> str:
    if 60 <= seconds < _LONGEST_TIME and (not exact or _fits_two_units(seconds)):
        return localised_duration(int(seconds * 1000), language, seconds=True)
    step = 3
    while step and 0 < abs(seconds) < 1:
        seconds, step = seconds.scaleb(3), step - 1
    return f"{_plain_number(seconds, exact=exact)} {language.say(_SHORT_TIMES[step])}"


def _fits_two_units(seconds: Decimal) -> bool:
    """Return whether the time can be written with two units without rounding.

    This holds for a whole number of hours, and for a whole number of seconds below an hour.
    """
    return seconds == seconds.to_integral_value() and (seconds < 3600 or seconds % 3600 == 0)


def _grouped(number: Decimal) -> str:
    """Format a number in full, with its digits in groups of three and without trailing zeros in its decimals."""
    whole, _, rest = format(number, "f").partition(".")
    rest = rest.rstrip("0")
    digits = whole.lstrip("-")
    sign = "-" if whole.startswith("-") and (rest or digits.strip("0")) else ""
    first = len(digits) % 3 or 3
    groups = [digits[:first], *(digits[place : place + 3] for place in range(first, len(digits), 3))]
    return sign + NARROW_SPACE.join(groups) + (f".{rest}" if rest else "")
