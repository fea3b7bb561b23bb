"""What the door lets anybody have of it, in one place. Lengths in bytes, times in seconds.

The attacker is any stranger on the Internet: no connection without the secret lasts longer than LONGEST_CONNECTION.
"""

import sys
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

_RESERVED_DESCRIPTORS = 100
_ENOUGH_DESCRIPTORS = 4096
_MOST_CONNECTIONS = 1024
_FEWEST_CONNECTIONS = 16


def http_limits() -> dict[str, Any]:
    """Return the limits as aiohttp names them."""
    return {"max_line_size": LONGEST_LINE, "max_field_size": LONGEST_HEADER, "max_headers": MOST_HEADERS}


def raise_descriptor_limit() -> int:
    """Raise the soft limit of descriptors as far as is needed and allowed; return the connections that it leaves."""
    if sys.platform == "win32":
        return 512  # sockets are not counted there; memory is
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = _ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
        except (OSError, ValueError):  # as it was, then
            descriptors = soft
    else:
        descriptors = _ENOUGH_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, descriptors - _RESERVED_DESCRIPTORS))
