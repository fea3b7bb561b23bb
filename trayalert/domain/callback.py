"""A callback as it came over the wire, before it is parsed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from trayalert.domain.times import Millis

INTERNAL_METHOD = "OWN"
"""The method of callbacks that the program writes itself. No HTTP request has it."""

SENDER_TIMEOUT = 5.0
"""Seconds that Cloud Monitor waits for the answer, before it sends the callback again."""
SENDER_HEADERS = {
    "User-Agent": "Apache-HttpClient/4.4.1 (Java/1.7.0_65)",
    "Connection": "Keep-Alive",
    "Accept-Encoding": "gzip,deflate",
}
"""What Cloud Monitor sends besides the Content-Type, as logged from the real service in 2019."""
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One HTTP request with the right secret. `query` and `body` are the raw bytes, undecoded; `sender` an address."""

    received_at: Millis
    method: str
    query: bytes = b""
    content_type: str = ""
    sender: str = ""
    secret: str = ""
    """The name of the secret that the request had; empty where the name is unknown."""
    body: bytes = b""


Receive = Callable[[Callback], Awaitable[bool]]
"""Returns True once the callback is stored, and False if it was not stored in time and must be sent again."""
