"""All limits of the listener. Lengths in bytes, times in seconds.

The attacker is any stranger on the Internet: no connection without the secret lasts longer than `longest_connection`.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

LARGEST_SMALL_BODY = 64 * 1024
"""A sender of one alert never exceeds it; three of the limits below bound larger bodies."""
BACKLOG = 1024
"""Connections that the kernel holds until they are accepted."""

_RESERVED_DESCRIPTORS = 100
_ENOUGH_DESCRIPTORS = 4096
_MOST_CONNECTIONS = 1024
_FEWEST_CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerLimits:
    """The limits of one listener. The program uses the defaults; a test may open a listener with limits of its own."""

    largest_body: int = 1024 * 1024
    """For callbacks with a right secret: a group of Alertmanager's may hold hundreds of alerts."""
    most_large_held: int = 16 * 1024 * 1024
    """Bytes of large bodies in memory at one time, over all connections."""
    most_large_an_hour: int = 64 * 1024 * 1024
    """Bytes of large bodies that are accepted for one secret."""
    largest_head: int = 64 * 1024
    """Request line and all headers together, while they are incomplete."""
    longest_line: int = 16_384
    """Events may come by GET, with 2 to 5 KB of query."""
    longest_header: int = 4_096
    most_headers: int = 64

    header_deadline: float = 5.0
    body_deadline: float = 3.0
    """For a whole body, however it trickles."""
    handshake_deadline: float = 5.0
    lingering_time: float = 1.0
    largest_remainder: int = 4 * 1024 * 1024
    """This long and far the rest of a request is read after its answer: closing at once could undo the answer."""
    longest_connection: float = 7.5
    close_deadline: float = 5.0
    """For requests that are being answered while the listener closes."""

    strangers_at_once: int = 500
    strangers_a_second: float = 50.0

    silence_grace: float = 0.05
    """A connection that has sent nothing is spared for this long. At the cap, thousands a second are still accepted."""
    unread_grace: float = 1.0
    """A connection whose first bytes were not read yet is spared for this long."""

    def http_limits(self) -> dict[str, Any]:
        """Return the limits as aiohttp names them."""
        return {
            "max_line_size": self.longest_line,
            "max_field_size": self.longest_header,
            "max_headers": self.most_headers,
        }


DEFAULT_LIMITS = ListenerLimits()


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
