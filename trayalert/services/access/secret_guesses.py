"""The sentences that report refused requests to the user.

A request with a wrong secret is not worth an alarm, because it cannot store anything. Two kinds of refused request are
worth an alarm, because such a request may have been an alert: a request with a right secret, and a request whose
mistyped URL contains a secret.
"""

from trayalert.domain.text import printable
from trayalert.domain.times import Millis, local_text

RECENT_SPAN: Millis = 3_600_000
"""Milliseconds for which a refused request continues to be reported to the user."""


def secret_guesses_text(count: int, last_at: Millis | None, last_from: str | None, *, now: Millis) -> str | None:
    """Return a sentence about requests with a wrong secret, or None if the last such request is not recent.

    `count` is the number of these requests since the program started. The sentence says when and from where the last
    one came.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    source = f" from {printable(last_from, limit=60)}" if last_from else ""
    return (
        f"Someone is probing: {_requests(count)} with a wrong secret, the last {local_text(last_at, '%H:%M')}{source}."
        " An old URL in a console rule looks the same."
    )


def turned_away_text(count: int, last_at: Millis | None, reason: str | None, *, now: Millis) -> str | None:
    """Return a sentence about requests with a right secret that got no 200, or None if the last one is not recent.

    `count` is the number of these requests since the program started. The sentence says when and why the last one was
    refused.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    return (
        f"{_requests(count)} with a right secret {'was' if count == 1 else 'were'} turned away"
        f"{_when(count, last_at)}: {printable(reason or '', limit=200)}. If that was one of your senders, its alert may"
        " be missing here."
    )


def mistyped_text(count: int, last_at: Millis | None, reason: str | None, *, now: Millis) -> str | None:
    """Return a sentence about requests to a mistyped callback URL, or None if the last such request is not recent.

    `count` is the number of these requests since the program started. The sentence says when the last one came, and
    what was wrong with its URL.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    return (
        f"{_requests(count)} came to a mistyped callback URL and got 404{_when(count, last_at)}:"
        f" {printable(reason or '', limit=200)}. Copy the callback URL from trayalert into the sender again: its alerts"
        " are missing here."
    )


def is_recent(at: Millis, *, now: Millis) -> bool:
    """Return whether a request that was refused at the time `at` must still be reported to the user."""
    return now - at <= RECENT_SPAN


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _when(count: int, last_at: Millis) -> str:
    return f"{'' if count == 1 else ', the last'} at {local_text(last_at, '%H:%M')}"
