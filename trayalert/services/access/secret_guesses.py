"""The sentences that report refused requests to the user.

Two kinds of refused request can mean that an alert was lost:

- a request with a right secret
- a request whose mistyped URL contains a secret

A request with a wrong secret is reported, but is not a problem.
"""

from trayalert.domain.text import printable
from trayalert.domain.times import Millis, local_text

RECENT_SPAN: Millis = 3_600_000
"""How long a refused request is reported to the user, in milliseconds."""


def secret_guesses_text(count: int, last_at: Millis | None, last_from: str | None, *, now: Millis) -> str | None:
    """Return a sentence about requests with a wrong secret, or None if `last_at` is not recent.

    `count` is the number of requests with a wrong secret since the program started. `last_at` and `last_from` are the
    time and the source address of the latest of these requests.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    source = f" from {printable(last_from, limit=60)}" if last_from else ""
    return (
        f"Someone is probing: {_requests(count)} with a wrong secret, the last {local_text(last_at, '%H:%M')}{source}."
        " An old URL in a console rule looks the same."
    )


def turned_away_text(count: int, last_at: Millis | None, reason: str | None, *, now: Millis) -> str | None:
    """Return a sentence about refused requests with a right secret, or None if `last_at` is not recent.

    `count` is the number of these requests since the program started. `last_at` is the time of the latest of these
    requests, and `reason` says why that request was refused.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    return (
        f"{_requests(count)} with a right secret {'was' if count == 1 else 'were'} turned away"
        f"{_when(count, last_at)}: {printable(reason or '', limit=200)}. If that was one of your senders, its alert may"
        " be missing here."
    )


def mistyped_text(count: int, last_at: Millis | None, reason: str | None, *, now: Millis) -> str | None:
    """Return a sentence about requests to a mistyped callback URL, or None if `last_at` is not recent.

    `count` is the number of these requests since the program started. `last_at` is the time of the latest of these
    requests, and `reason` says what was wrong with the URL of that request.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    return (
        f"{_requests(count)} came to a mistyped callback URL and got 404{_when(count, last_at)}:"
        f" {printable(reason or '', limit=200)}. Copy the callback URL from trayalert into the sender again: its alerts"
        " are missing here."
    )


def is_recent(at: Millis, *, now: Millis) -> bool:
    """Return whether the time `at` is at most RECENT_SPAN milliseconds before `now`."""
    return now - at <= RECENT_SPAN


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _when(count: int, last_at: Millis) -> str:
    return f"{'' if count == 1 else ', the last'} at {local_text(last_at, '%H:%M')}"
