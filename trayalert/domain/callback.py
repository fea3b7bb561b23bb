"""A callback as it was received, before it is parsed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from trayalert.domain.times import Millis

INTERNAL_METHOD = "OWN"
"""The method of the callbacks that trayalert itself creates. No HTTP request has this method."""

SENDER_TIMEOUT = 5.0
"""Seconds that Cloud Monitor waits for an answer before it sends the callback again."""
SENDER_HEADERS = {
    "User-Agent": "Apache-HttpClient/4.4.1 (Java/1.7.0_65)",
    "Connection": "Keep-Alive",
    "Accept-Encoding": "gzip,deflate",
}
"""The headers that Cloud Monitor sends in addition to Content-Type, as logged from the real service in 2019."""
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One HTTP request with a correct secret, or a callback that trayalert itself has created.

    A callback that trayalert has created has the method INTERNAL_METHOD. `query` and `body` are raw bytes that have not
    been decoded.
    """

    received_at: Millis
    method: str
    query: bytes = b""
    content_type: str = ""
    sender: str = ""
    """The address from which the request came."""
    secret: str = ""
    """The name of the secret in the request, or an empty string if the name is unknown."""
    body: bytes = b""


Receive = Callable[[Callback], Awaitable[bool]]
"""A function that stores a callback. It returns True after the callback has been stored.

If the callback cannot be stored now, the function returns False. The sender must then send the callback again.
"""
