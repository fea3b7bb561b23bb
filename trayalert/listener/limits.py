"""All limits of the listener. Lengths are in bytes, and times in seconds.

The attacker is any stranger on the Internet. No connection without a right secret lasts longer than
`longest_connection`.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

LARGEST_SMALL_BODY = 64 * 1024
"""Largest body that counts as small. A callback with a single alert is always small.

Larger bodies are bounded by three of the limits below.
"""
BACKLOG = 1024
"""Number of connections that the kernel holds until they are accepted."""

_RESERVED_DESCRIPTORS = 100
_ENOUGH_DESCRIPTORS = 4096
_MOST_CONNECTIONS = 1024
_FEWEST_CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerLimits:
    """The limits of one listener.

    The program uses the defaults. A test may open a listener with other limits.
    """

    largest_body: int = 1024 * 1024
    """Largest body of a callback with a right secret. A group from Alertmanager may hold hundreds of alerts."""
    most_large_held: int = 16 * 1024 * 1024
    """Bytes of large bodies that may be in memory at the same time, over all connections."""
    most_large_an_hour: int = 64 * 1024 * 1024
    """Bytes of large bodies that are accepted for each secret within an hour."""
    largest_head: int = 64 * 1024
    """Largest size of the request line and all headers together, while the head is incomplete."""
    longest_line: int = 16_384
    """Longest request line. Events may come by GET, with 2 to 5 KB of query."""
    longest_header: int = 4_096
    most_headers: int = 64

    header_deadline: float = 5.0
    body_deadline: float = 3.0
    """Seconds within which the whole body must arrive, even if it arrives in small pieces."""
    handshake_deadline: float = 5.0
    lingering_time: float = 1.0
    largest_remainder: int = 4 * 1024 * 1024
    """After the answer, the rest of a request is read for at most `lingering_time` and up to this many bytes.

    Closing the connection immediately could make the sender lose the answer.
    """
    longest_connection: float = 7.5
    close_deadline: float = 5.0
    """Seconds to wait for requests that are being answered when the listener closes."""

    strangers_at_once: int = 500
    strangers_a_second: float = 50.0

    silence_grace: float = 0.05
    """Seconds for which a new connection that has sent nothing is not closed to make room for others.

    The value is so small that thousands of connections a second are accepted even when the limit of connections is
    reached.
    """
    unread_grace: float = 1.0
    """Seconds for which a new connection is not closed to make room while its first bytes have not been read yet."""

    def http_limits(self) -> dict[str, Any]:
        """Return the limits that aiohttp enforces, by aiohttp's names."""
        return {
            "max_line_size": self.longest_line,
            "max_field_size": self.longest_header,
            "max_headers": self.most_headers,
        }


DEFAULT_LIMITS = ListenerLimits()


def raise_descriptor_limit() -> int:
    """Raise the soft limit of file descriptors if necessary. Return how many connections the limit then allows.

    The soft limit can be raised up to the hard limit. The result is never below _FEWEST_CONNECTIONS.
    """
    if sys.platform == "win32":
        return 512  # Windows has no limit on sockets, but they cost memory
    import resource  # noqa: PLC0415 - missing on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH_DESCRIPTORS)
    descriptors = _ENOUGH_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    if descriptors < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            descriptors = wanted
    return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, descriptors - _RESERVED_DESCRIPTORS))
