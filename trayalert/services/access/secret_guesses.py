"""Which requests were refused, in words.

A wrong secret is no alarm, as nothing gets in with one. A right secret is, and so is one in a mistyped URL: the request
may have been an alert.
"""

from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime

FRESH: Millis = 3_600_000
"""After this long with no further one nobody is probing any more."""


def probing_words(probes: int, last_at: Millis | None, last_from: str | None, *, now: Millis) -> str | None:
    """Say how many requests had a wrong secret, when the last one came and whence; None where none came lately."""
    if last_at is None or not is_fresh(last_at, now=now):
        return None
    sender = f" from {printable(last_from, limit=60)}" if last_from else ""
    return (
        f"Someone is probing: {_requests(probes)} with a wrong secret, the last {_clock(last_at)}{sender}."
        " An old URL in a console rule looks the same."
    )


def turned_away_words(number: int, last_at: Millis | None, why: str | None, *, now: Millis) -> str | None:
    """Say how many requests with a right secret got no 200, and why the last one; None where none came lately."""
    if last_at is None or not is_fresh(last_at, now=now):
        return None
    return (
        f"{_requests(number)} with a right secret {'was' if number == 1 else 'were'} turned away"
        f"{_when(number, last_at)}: {printable(why or '', limit=200)}. If that was one of your senders, its alert may"
        " be missing here."
    )


def mistyped_words(number: int, last_at: Millis | None, why: str | None, *, now: Millis) -> str | None:
    """Say how many requests came to a callback URL with a slip in it, and which; None where none came lately."""
    if last_at is None or not is_fresh(last_at, now=now):
        return None
    return (
        f"{_requests(number)} came to a mistyped callback URL and got 404{_when(number, last_at)}:"
        f" {printable(why or '', limit=200)}. Copy the callback URL from trayalert into the sender again: its alerts"
        " are missing here."
    )


def is_fresh(at: Millis, *, now: Millis) -> bool:
    """Whether what was refused then still concerns the person."""
    return now - at <= FRESH


def _requests(number: int) -> str:
    return "1 request" if number == 1 else f"{number:,} requests"


def _when(number: int, last_at: Millis) -> str:
    return f" at {_clock(last_at)}" if number == 1 else f", the last at {_clock(last_at)}"


def _clock(moment: Millis) -> str:
    return f"{as_datetime(moment).astimezone():%H:%M}"
