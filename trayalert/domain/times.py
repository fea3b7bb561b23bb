"""Parses and formats times. A time is an integer: the number of milliseconds since 1970 in UTC."""

import re
from datetime import UTC, datetime, timedelta

from trayalert.domain.phrase import Phrase

Millis = int

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = -62_000_000_000_000, 253_402_000_000_000
"""Times in the years 5 and 9999, which are far enough from the ends of the calendar to be valid in every time zone."""

_STAMP = re.compile(r"([1-9][0-9]{9})(?:\.0+)?|([1-9][0-9]{12})(?:\.0+)?")
_ISO = re.compile(
    r"\d{4}-?\d\d-?\d\d[T ]\d\d:?\d\d(?::?\d\d)?(?:[.,]\d{1,9})?\s?(?:Z|UTC|[+-]\d\d:?\d\d)", re.ASCII | re.IGNORECASE
)
_OLDEST: Millis = 978_307_200_000
"""The beginning of 2001, which is before any alert.

An earlier time counts as missing, because programs in Go write the year 1 for a missing time.
"""

_MINUTE: Millis = 60_000
_AGE = re.compile(r"([0-9]{1,6})\s*(s|m|h|d|w)")
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def read_timestamp(text: str | None) -> Millis | None:
    """Parse Cloud Monitor's `timestamp`. Ten digits are seconds, and thirteen digits are milliseconds.

    Return None for any other text.
    """
    match = _STAMP.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    return int(match[1]) * 1000 if match[1] else int(match[2])


def read_time(text: str | None) -> Millis | None:
    """Parse a time that a program wrote: a `timestamp`, or ISO 8601 with a time zone.

    An example is `20230217T103516.475+0800`. Return None for any other text, for an ISO time without a time zone, and
    for an ISO time before 2001.
    """
    text = (text or "").strip()
    if not _ISO.fullmatch(text):
        return read_timestamp(text)
    try:
        moment = datetime.fromisoformat(re.sub(r"\s?(?:Z|UTC)$", "+00:00", text, flags=re.IGNORECASE).replace(",", "."))
        length = as_millis(moment)
    except (ValueError, OverflowError):
        return None
    return length if length > _OLDEST else None


def iso(moment: Millis | None) -> str | None:
    """Format a time as ISO 8601 in UTC, such as `2026-11-23T07:46:10.250Z`. Return None for None."""
    if moment is None:
        return None
    return as_datetime(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_datetime(moment: Millis) -> datetime:
    """Return the time as an aware datetime in UTC.

    For a time outside the calendar, return the nearest possible datetime.
    """
    return _EPOCH + timedelta(milliseconds=min(max(moment, _EARLIEST), _LATEST))


def as_millis(moment: datetime) -> Millis:
    """Return the time of an aware datetime."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def local_text(moment: Millis, form: str) -> str:
    """Format the time, converted to the local time zone, with a `strftime` format such as `%H:%M`."""
    return as_datetime(moment).astimezone().strftime(form)


def moment_text(moment: Millis, *, now: Millis, dated: bool = False) -> str:
    """Format a time for users, as local time: `23:57` (today), `11-29 23:57` (this year) or `2025-11-29 23:57`.

    If `dated` is true, a time of today has its date, too.
    """
    local, today = as_datetime(moment).astimezone(), as_datetime(now).astimezone()
    if local.date() == today.date() and not dated:
        return local.strftime("%H:%M")
    return local.strftime("%m-%d %H:%M" if local.year == today.year else "%Y-%m-%d %H:%M")


def span_ends(began_at: Millis, ended_at: Millis, *, now: Millis) -> tuple[str, str] | None:
    """Return the texts of the two ends of a span of time, as `moment_text` formats them.

    Return None if the length of the span says more than its ends: if the span is shorter than a minute, or if the two
    texts are the same.
    """
    ends = moment_text(began_at, now=now), moment_text(ended_at, now=now)
    return None if ended_at - began_at < _MINUTE or ends[0] == ends[1] else ends


def read_age(text: str) -> Millis | None:
    """Parse a duration such as `90s`, `15m`, `24h`, `7d` or `2w`. Return None for any other text."""
    match = _AGE.fullmatch(text.strip().lower())
    return int(match[1]) * _UNITS[match[2]] if match else None


def read_moment(text: str, *, now: Millis) -> Millis | None:
    """Parse a time that a user typed. Return None if the text is not a time.

    The text is an ISO date or time, or an age such as `15m`, which means 15 minutes before `now`. A date or time
    without a time zone is taken as UTC.
    """
    age = read_age(text)
    if age is not None:
        return now - age
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return as_millis(moment)


def duration_text(length: Millis, *, seconds: bool = False) -> Phrase:
    """Format a duration for users: `45 s`, `3 min`, `2 h 5 min`, `4 d 2 h`. No duration is shown as zero.

    If `seconds` is true, a duration of less than an hour also shows seconds: `3 min 20 s`.
    """
    whole = length // 1000
    if whole < 1:
        return Phrase("under 1 s")
    if whole < 60:
        return Phrase("{seconds} s", seconds=whole)
    if whole < 3600:
        if seconds and whole % 60:
            return Phrase("{minutes} min {seconds} s", minutes=whole // 60, seconds=whole % 60)
        return Phrase("{minutes} min", minutes=whole // 60)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours < 24:
        return Phrase("{hours} h {minutes} min", hours=hours, minutes=minutes) if minutes else _whole_hours(hours)
    days, hours = hours // 24, hours % 24
    return Phrase("{days} d {hours} h", days=days, hours=hours) if hours else Phrase("{days} d", days=days)


def _whole_hours(hours: int) -> Phrase:
    return Phrase("{hours} h", hours=hours)
