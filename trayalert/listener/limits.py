"""All limits of the listener. Lengths in bytes, times in seconds.

The attacker is any stranger on the Internet: no connection without the secret lasts longer than LONGEST_CONNECTION.
"""

import sys
from contextlib import suppress
from typing import Any

LARGEST_SMALL_BODY = 64 * 1024
"""A sender of one alert never exceeds it; the three limits below bound larger bodies."""
LARGEST_BODY = 1024 * 1024
"""For callbacks with a right secret: a group of Alertmanager's may hold hundreds of alerts."""
MOST_LARGE_HELD = 16 * 1024 * 1024
"""Bytes of large bodies in memory at one time, over all connections."""
MOST_LARGE_AN_HOUR = 64 * 1024 * 1024
"""Bytes of large bodies that are accepted for one secret."""
LARGEST_HEAD = 64 * 1024
"""Request line and all headers together, while they are incomplete."""
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
"""For this time and length the rest of a request is read after its answer: closing at once could undo the answer."""
LONGEST_CONNECTION = 7.5
CLOSE_DEADLINE = 5.0
"""For requests that are being answered while the listener closes."""

STRANGERS_AT_ONCE = 500
STRANGERS_A_SECOND = 50.0

BACKLOG = 1024
"""Connections that the kernel holds until they are accepted."""

_RESERVED_DESCRIPTORS = 100
_ENOUGH_DESCRIPTORS = 4096
_MOST_CONNECTIONS = 1024
_FEWEST_CONNECTIONS = 16


def http_limits() -> dict[str, Any]:
    """Return the limits as aiohttp names them."""
    return {"max_line_size": LONGEST_LINE, "max_field_size": LONGEST_HEADER, "max_headers": MOST_HEADERS}


def raise_descriptor_limit() -> int:
    """Raise the soft limit of descriptors as far as needed and allowed; return how many connections it allows."""
    if sys.platform == "win32":
        return 512  # Windows does not count sockets; they cost memory
    import resource  # noqa: PLC0415 - not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH_DESCRIPTORS)
    descriptors = _ENOUGH_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    if descriptors < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            descriptors = wanted
    return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, descriptors - _RESERVED_DESCRIPTORS))
