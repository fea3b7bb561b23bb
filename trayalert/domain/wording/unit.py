"""Parses units as Cloud Monitor and its documentation spell them. An unknown unit is shown as it was sent."""

import enum
import functools
import re
from decimal import Decimal
from typing import NamedTuple

from trayalert.domain.phrase import N_
from trayalert.domain.text import printable


class Measure(enum.Enum):
    """What a unit measures. The measure determines how numbers with the unit are scaled."""

    PERCENT = enum.auto()
    BYTES = enum.auto()
    BITS = enum.auto()
    SECONDS = enum.auto()
    COUNT = enum.auto()
    """A count of things. The unit is shown only if the unit and the language are both Chinese."""
    NAMED = enum.auto()
    """A count of things for which the catalogue has a word."""
    OTHER = enum.auto()


class Unit(NamedTuple):
    """A unit of a measure.

    To convert a number with this unit to the base unit of the measure, multiply the number by `factor`. `word` is the
    word to show after a number. If the unit is a rate, `per` is the time span of the rate: `/s`, `/min`, `/h` or
    `/day`. If the unit is not a rate, `per` is empty.
    """

    measure: Measure
    factor: Decimal = Decimal(1)
    word: str = ""
    per: str = ""


_SECOND, _MINUTE, _HOUR, _DAY = N_("/s"), N_("/min"), N_("/h"), N_("/day")
_SPANS = {
    "s": _SECOND, "m": _MINUTE, "h": _HOUR, "d": _DAY, "秒": _SECOND, "分": _MINUTE, "小": _HOUR, "天": _DAY
}  # fmt: skip
_PER = re.compile(
    r"(.*?)\s*(?:/\s*|\bper\s+)(s|secs?|seconds?|mins?|minutes?|h|hours?|d|days?|秒|分钟?|小时|天)", re.IGNORECASE
)
_JOINED_RATE = re.compile(r"([Cc]ount|[KMGT]?[Bb]yte)(?:S|Second)")
"""Matches rates such as `CountSecond` and `CountS`, as the metric tables spell them."""
_BARE_RATE = re.compile(r"(p|[KkMGT]?[Bb])ps")
_DATA = re.compile(r"([kmgtp]?)(byte|字节|bit|比特)s?", re.IGNORECASE)
_SHORT_DATA = re.compile(r"([KkMmGgTtPp]?)([Bb])")
_PREFIXES = {"": 0, "k": 3, "m": 6, "g": 9, "t": 12, "p": 15}
_COUNT_WORDS = (
    "", "count", "counts", "n/a", "无", "none", "null", "value", "frequency", "times", "load", "state", "1", "0-1",
    "1min",
)  # fmt: skip
_TIMES = {
    "ns": -9, "nanosecond": -9, "纳秒": -9, "us": -6, "μs": -6, "µs": -6, "microsecond": -6, "微秒": -6,
    "ms": -3, "msec": -3, "millisecond": -3, "毫秒": -3, "s": 0, "sec": 0, "second": 0, "秒": 0,
}  # fmt: skip
_LONG_TIMES = {"min": 60, "minute": 60, "分钟": 60, "hour": 3600, "h": 3600, "小时": 3600, "day": 86_400, "天": 86_400}
_NAMED = {
    "core": N_("cores"), "核": "cores", "line": N_("lines"), "行": "lines", "p": N_("packets"), "packet": "packets",
    "包": "packets", "request": N_("requests"), "transaction": N_("transactions"),
}  # fmt: skip
_UNITS = {
    **dict.fromkeys(("%", "％", "percent", "百分比"), Unit(Measure.PERCENT)),
    **dict.fromkeys(_COUNT_WORDS, Unit(Measure.COUNT)),
    **{word: Unit(Measure.COUNT, word=word) for word in ("个", "次")},
    **{word: Unit(Measure.SECONDS, Decimal(1).scaleb(power)) for word, power in _TIMES.items()},
    **{word: Unit(Measure.SECONDS, Decimal(seconds)) for word, seconds in _LONG_TIMES.items()},
    **{word: Unit(Measure.NAMED, word=ours) for word, ours in _NAMED.items()},
}


def unit_or_none(text: str | None) -> str | None:
    """Return the unit, or None if the text, such as `N/A`, means that there is no unit."""
    return None if not text or text.strip().lower() in {"n/a", "无", "none", "null", ""} else text


@functools.lru_cache(maxsize=256)
def read_unit(text: str) -> Unit:
    """Parse a unit in any of its spellings."""
    sent = printable(text, limit=20)
    base, per = _without_span(sent)
    word = base.lower()
    unit = _UNITS.get(word) or _UNITS.get(word.removesuffix("s")) or _read_data(base)
    if unit is None or (per and unit.measure is Measure.SECONDS):
        unit = Unit(Measure.OTHER, word=base)
    return unit._replace(per=per)


def _without_span(sent: str) -> tuple[str, str]:
    """Split a rate such as `count/min` into its unit and its `per`. If `sent` is not a rate, `per` is empty.

    A rate may also be spelled `request per min`, `CountSecond` or `pps`, for example.
    """
    if match := _JOINED_RATE.fullmatch(sent) or _BARE_RATE.fullmatch(sent):
        return match[1], "/s"
    if match := _PER.fullmatch(sent):
        return match[1], _SPANS[match[2][0].lower()]
    return sent, ""


def _read_data(base: str) -> Unit | None:
    """Parse a unit of bytes or bits. Return None if `base` is not such a unit.

    In short forms such as `MB` and `Mb`, `B` means byte and `b` means bit.
    """
    if match := _DATA.fullmatch(base):
        measure = Measure.BITS if match[2].lower() in {"bit", "比特"} else Measure.BYTES
    elif match := _SHORT_DATA.fullmatch(base):
        measure = Measure.BITS if match[2] == "b" else Measure.BYTES
    else:
        return None
    return Unit(measure, Decimal(1).scaleb(_PREFIXES[match[1].lower()]))
