"""All limits of the listener. Lengths are in bytes, and times in seconds.

The attacker is any stranger on the Internet. Without a right secret, no request can keep its connection open for longer
than `longest_connection` and `lingering_time` together.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

LARGEST_SMALL_BODY = 64 * 1024
"""Largest body that counts as small. A callback with a single alert is always small.

`largest_body`, `most_large_held` and `most_large_an_hour` limit all larger bodies.
"""
BACKLOG = 1024
"""Largest number of connections that may wait in the kernel until the listener accepts them."""

_RESERVED_DESCRIPTORS = 100
_ENOUGH_DESCRIPTORS = 4096
_MOST_CONNECTIONS = 1024
_FEWEST_CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerLimits:
    """The limits of one listener.

    The program uses the default values. A test may open a listener with other limits.
    """

    largest_body: int = 1024 * 1024
    """Largest body of a callback with a right secret. A group from Alertmanager may hold hundreds of alerts."""
    most_large_held: int = 16 * 1024 * 1024
    """Bytes that the large bodies of all connections together may take up in memory."""
    most_large_an_hour: int = 64 * 1024 * 1024
    """Bytes of large bodies that may arrive with the same secret within an hour."""
    largest_head: int = 64 * 1024
    """Largest size of an incomplete request head (the request line and all headers). A larger one is rejected."""
    longest_line: int = 16_384
    """Longest request line. Events may be sent by GET, with a query of 2 to 5 KB."""
    longest_header: int = 4_096
    most_headers: int = 64

    header_deadline: float = 5.0
    """Seconds within which the whole request head must arrive."""
    body_deadline: float = 3.0
    """Seconds within which the whole body must arrive, however many pieces it arrives in."""
    handshake_deadline: float = 5.0
    lingering_time: float = 1.0
    """Seconds for which the rest of a request may still be read after the answer.

    If the connection were closed immediately, the sender could lose the answer.
    """
    largest_remainder: int = 4 * 1024 * 1024
    """Number of bytes that may still be read after the answer."""
    longest_connection: float = 7.5
    """Seconds within which a TLS handshake and the request head after it must be complete."""
    close_deadline: float = 5.0
    """Longest time, in seconds, that `Listener.close` waits for all requests in progress to be answered."""

    strangers_at_once: int = 500
    """Number of requests from strangers that may come in a burst before further strangers get 429."""
    strangers_a_second: float = 50.0
    """Number of requests from strangers per second above which strangers get 429, once the burst is used up."""

    silence_grace: float = 0.05
    """Seconds for which a new connection is protected from being closed to make room, although it has sent nothing yet.

    The value is small, so that thousands of connections per second can be accepted even if the connection limit is
    reached.
    """
    unread_grace: float = 1.0
    """Seconds for which a new connection is protected from being closed to make room while its bytes are unread."""

    def http_limits(self) -> dict[str, Any]:
        """Return the limits that aiohttp enforces, keyed by the names of aiohttp's parameters."""
        return {
            "max_line_size": self.longest_line,
            "max_field_size": self.longest_header,
            "max_headers": self.most_headers,
        }


DEFAULT_LIMITS = ListenerLimits()


def raise_descriptor_limit() -> int:
    """Raise the soft limit on file descriptors if it is too low. Return the number of connections to allow.

    The soft limit cannot be raised above the hard limit. The result is between _FEWEST_CONNECTIONS and
    _MOST_CONNECTIONS.
    """
    if sys.platform == "win32":
        return 512  # Windows does not limit the number of sockets, but each socket needs memory
    import resource  # noqa: PLC0415 - missing on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH_DESCRIPTORS)
    descriptors = _ENOUGH_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    if descriptors < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            descriptors = wanted
    return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, descriptors - _RESERVED_DESCRIPTORS))
