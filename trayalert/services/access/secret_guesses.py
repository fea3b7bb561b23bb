"""The sentences that report refused requests to the user.

Two kinds of refused request can mean that an alert was lost:

- a request with a right secret
- a request whose mistyped URL contains a secret

A request with a wrong secret is reported, but is not a problem.
"""

from trayalert.domain.phrase import Phrase
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, moment_text

RECENT_SPAN: Millis = 3_600_000
"""How long a refused request is reported to the user, in milliseconds."""


def secret_guesses_text(count: int, last_at: Millis | None, last_from: str | None, *, now: Millis) -> str | None:
    """Return a sentence about requests with a wrong secret, or None if `last_at` is not recent.

    `count` is the number of requests with a wrong secret since the program started. `last_at` and `last_from` are the
    time and the source address of the latest of these requests.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    time = moment_text(last_at, now=now)
    if last_from:
        return Phrase.counted(
            "Someone is probing: 1 request with a wrong secret, the last {time} from {sender}. An old URL in a console"
            " rule looks the same.",
            "Someone is probing: {count:,} requests with a wrong secret, the last {time} from {sender}. An old URL in a"
            " console rule looks the same.",
            count,
            time=time,
            sender=printable(last_from, limit=60),
        )
    return Phrase.counted(
        "Someone is probing: 1 request with a wrong secret, the last {time}. An old URL in a console rule looks the"
        " same.",
        "Someone is probing: {count:,} requests with a wrong secret, the last {time}. An old URL in a console rule"
        " looks the same.",
        count,
        time=time,
    )


def turned_away_text(count: int, last_at: Millis | None, reason: str | None, *, now: Millis) -> str | None:
    """Return a sentence about refused requests with a right secret, or None if `last_at` is not recent.

    `count` is the number of these requests since the program started. `last_at` is the time of the latest of these
    requests, and `reason` says why that request was refused.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    return Phrase.counted(
        "1 request with a right secret was turned away at {time}: {reason}. If that was one of your senders, its alert"
        " may be missing here.",
        "{count:,} requests with a right secret were turned away, the last at {time}: {reason}. If that was one of your"
        " senders, its alert may be missing here.",
        count,
        time=moment_text(last_at, now=now),
        reason=_clean(reason),
    )


def mistyped_text(count: int, last_at: Millis | None, reason: str | None, *, now: Millis) -> str | None:
    """Return a sentence about requests to a mistyped callback URL, or None if `last_at` is not recent.

    `count` is the number of these requests since the program started. `last_at` is the time of the latest of these
    requests, and `reason` says what was wrong with the URL of that request.
    """
    if last_at is None or not is_recent(last_at, now=now):
        return None
    return Phrase.counted(
        "1 request came to a mistyped callback URL and got 404 at {time}: {reason}. Copy the callback URL from"
        " trayalert into the sender again: its alerts are missing here.",
        "{count:,} requests came to a mistyped callback URL and got 404, the last at {time}: {reason}. Copy the"
        " callback URL from trayalert into the sender again: its alerts are missing here.",
        count,
        time=moment_text(last_at, now=now),
        reason=_clean(reason),
    )


def is_recent(at: Millis, *, now: Millis) -> bool:
    """Return whether the time `at` is at most RECENT_SPAN milliseconds before `now`."""
    return now - at <= RECENT_SPAN


def _clean(reason: str | None) -> str:
    """Return the reason without invisible characters. The values in a Phrase are already clean."""
    return reason if isinstance(reason, Phrase) else printable(reason, limit=200)
