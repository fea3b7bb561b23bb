"""Sentences on refused requests.

A wrong secret is no alarm, as nothing gets in with one. A right secret is, and so is one in a mistyped URL: the request
may have been an alert.
"""

from trayalert.domain.text import printable
from trayalert.domain.times import Millis, local_text

RECENT_SPAN: Millis = 3_600_000
"""For so long a refused request concerns the person."""


def secret_guesses_text(count: int, last_at: Millis | None, last_from: str | None, *, now: Millis) -> str | None:
    """Say how many requests had a wrong secret, when and whence the last one came; None where none came lately."""
    if last_at is None or not is_recent(last_at, now=now):
        return None
    source = f" from {printable(last_from, limit=60)}" if last_from else ""
    return (
        f"Someone is probing: {_requests(count)} with a wrong secret, the last {local_text(last_at, '%H:%M')}{source}."
        " An old URL in a console rule looks the same."
    )


def turned_away_text(count: int, last_at: Millis | None, reason: str | None, *, now: Millis) -> str | None:
    """Say how many requests with a right secret got no 200, and why the last one; None where none came lately."""
    if last_at is None or not is_recent(last_at, now=now):
        return None
    return (
        f"{_requests(count)} with a right secret {'was' if count == 1 else 'were'} turned away"
        f"{_when(count, last_at)}: {printable(reason or '', limit=200)}. If that was one of your senders, its alert may"
        " be missing here."
    )


def mistyped_text(count: int, last_at: Millis | None, reason: str | None, *, now: Millis) -> str | None:
    """Say how many requests had a mistyped callback URL, and what was wrong; None where none came lately."""
    if last_at is None or not is_recent(last_at, now=now):
        return None
    return (
        f"{_requests(count)} came to a mistyped callback URL and got 404{_when(count, last_at)}:"
        f" {printable(reason or '', limit=200)}. Copy the callback URL from trayalert into the sender again: its alerts"
        " are missing here."
    )


def is_recent(at: Millis, *, now: Millis) -> bool:
    """Whether a request that was refused then still concerns the person."""
    return now - at <= RECENT_SPAN


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _when(count: int, last_at: Millis) -> str:
    return f"{'' if count == 1 else ', the last'} at {local_text(last_at, '%H:%M')}"
