"""All limits of the listener. Lengths are in bytes, and times in seconds.

The attacker is any stranger on the Internet. Without a right secret, a request cannot keep its connection open for
longer than `longest_connection` plus `lingering_time`.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

LARGEST_SMALL_BODY = 64 * 1024
"""Largest body that counts as small, in bytes. A callback with a single alert is always small.

`largest_body`, `most_large_held` and `most_large_an_hour` limit all larger bodies.
"""
BACKLOG = 1024
"""Maximum number of connections that wait in the kernel until the listener accepts them."""

_RESERVED_DESCRIPTORS = 100
_ENOUGH_DESCRIPTORS = 4096
_MOST_CONNECTIONS = 1024
_FEWEST_CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerLimits:
    """The limits of one listener.

    The program uses the default values. Tests use other values.
    """

    largest_body: int = 1024 * 1024
    """Largest body of a callback, in bytes. A group from Alertmanager can contain hundreds of alerts."""
    most_large_held: int = 16 * 1024 * 1024
    """Maximum memory for the large bodies of all connections together, in bytes."""
    most_large_an_hour: int = 64 * 1024 * 1024
    """Maximum total size of the large bodies that arrive with one secret within an hour, in bytes."""
    largest_head: int = 64 * 1024
    """Maximum number of bytes of an incomplete request head. The head is the request line and all headers."""
    longest_line: int = 16_384
    """Longest request line, in bytes. For example, an event that is sent by GET has a query of 2 to 5 KB."""
    longest_header: int = 4_096
    most_headers: int = 64

    header_deadline: float = 5.0
    """Seconds within which the whole request head must arrive."""
    body_deadline: float = 3.0
    """Seconds within which the whole body must arrive, even if the body arrives in many pieces."""
    handshake_deadline: float = 5.0
    lingering_time: float = 1.0
    """Maximum number of seconds for which the rest of a request is read after the answer.

    Without this time, the sender could lose the answer.
    """
    largest_remainder: int = 4 * 1024 * 1024
    """Maximum number of bytes of a request that are read after the answer."""
    longest_connection: float = 7.5
    """Seconds within which a TLS handshake and the request head after it must be complete."""
    close_deadline: float = 5.0
    """Maximum number of seconds for which `Listener.close` waits for answers in progress."""

    strangers_at_once: int = 500
    """Number of requests that strangers can send in a burst. Further requests from strangers get 429."""
    strangers_a_second: float = 50.0
    """Number of requests per second that strangers can send after a burst. Further requests from strangers get 429."""

    silence_grace: float = 0.05
    """For this number of seconds, a new connection that has sent nothing is not closed to make room.

    At the connection limit, a small value lets the listener accept thousands of connections per second.
    """
    unread_grace: float = 1.0
    """For this number of seconds, a new connection whose first bytes are unread is not closed to make room."""

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
