"""Who was kept out at the door, in words.

A wrong secret is no alarm: the door holds, and an old URL in a rule looks the same. A right one is: it may be an alert.
"""

from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime

FRESH: Millis = 3_600_000
"""After this long with no further one nobody is probing any more."""


def probing_words(probes: int, last_at: Millis | None, last_from: str | None, *, now: Millis) -> str | None:
    """Say how many requests had a wrong secret, when the last one came and whence; None where none came lately."""
    if not probes or last_at is None or now - last_at > FRESH:
        return None
    requests = "1 request" if probes == 1 else f"{probes:,} requests"
    sender = f" from {printable(last_from, limit=60)}" if last_from else ""
    at = as_datetime(last_at).astimezone()
    return (
        f"Someone is probing: {requests} with a wrong secret, the last {at:%H:%M}{sender}."
        " An old URL in a console rule looks the same."
    )


def turned_away_words(number: int, last_at: Millis | None, why: str | None, *, now: Millis) -> str | None:
    """Say how many requests with a right secret were kept out, and why the last one; None where none came lately."""
    if not number or last_at is None or now - last_at > FRESH:
        return None
    requests = "1 request" if number == 1 else f"{number:,} requests"
    return (
        f"{requests} with a right secret {'was' if number == 1 else 'were'} turned away, the last at"
        f" {as_datetime(last_at).astimezone():%H:%M}: {printable(why or '', limit=200)}. Was that Cloud Monitor? Then"
        " change the settings."
    )
