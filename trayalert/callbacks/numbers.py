"""Numbers as senders write them: alone, or with their unit behind."""

import math
import re

_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)")
_QUANTITY = re.compile(_NUMBER.pattern + r"\s*([^\s0-9.,:;=<>+-][^\s0-9]{0,15})")


def read_number(text: str | None) -> float | None:
    """Read a number as people write it in ASCII; what is none, or not finite, is None."""
    match = _NUMBER.fullmatch(text) if text else None
    number = float(match[0]) if match else math.nan
    return number if math.isfinite(number) else None


def read_quantity(text: str | None) -> tuple[float | None, str | None]:
    """Read a number and the unit behind it, such as `97.4%`; None for what is not there."""
    match = _QUANTITY.fullmatch(text) if text else None
    return (read_number(match[1]), match[2]) if match else (read_number(text), None)
