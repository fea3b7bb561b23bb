"""What the door lets anybody have of it, in one place. Lengths in bytes, times in seconds.

The attacker is any stranger on the Internet: no connection without the secret lasts longer than LONGEST_CONNECTION.
"""

from typing import Any

LARGEST_SMALL_BODY = 64 * 1024
"""What a sender of one alert never exceeds; a larger body is bounded by the three limits below."""
LARGEST_BODY = 1024 * 1024
"""For callbacks, which show a right secret: a group of Alertmanager's may hold hundreds of alerts."""
MOST_LARGE_HELD = 16 * 1024 * 1024
"""Received bytes of large bodies at one time, over all connections."""
MOST_LARGE_AN_HOUR = 64 * 1024 * 1024
"""Bytes of large bodies that are taken for one secret."""
LARGEST_HEAD = 64 * 1024
"""Request line and all headers together, as long as they are not complete."""
LONGEST_LINE = 16_384
"""Events may come by GET, with 2 to 5 KB of query."""
LONGEST_HEADER = 4_096
MOST_HEADERS = 64

HEADER_DEADLINE = 5.0
BODY_DEADLINE = 3.0
"""For a whole body, however it trickles."""
HANDSHAKE_DEADLINE = 5.0
LINGERING_TIME = 1.0
LARGEST_REMAINDER = 4 * 1024 * 1024
"""So long and so much of what was on its way is still read after an answer: closing at once could undo the answer."""
LONGEST_CONNECTION = 7.5
CLOSE_DEADLINE = 5.0
"""How long requests under way may take when the door closes."""

STRANGERS_AT_ONCE = 500
STRANGERS_A_SECOND = 50.0

BACKLOG = 1024
"""Connections that the kernel holds until the door takes them."""


def http_limits() -> dict[str, Any]:
    """Return the limits as aiohttp names them."""
    return {"max_line_size": LONGEST_LINE, "max_field_size": LONGEST_HEADER, "max_headers": MOST_HEADERS}
