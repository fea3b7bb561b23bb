"""A callback as it came over the wire, before anybody has read it."""

from dataclasses import dataclass

from trayalert.domain.times import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One HTTP request with the right secret. `query` and `body` are the raw bytes, undecoded."""

    received_at: Millis
    method: str
    query: bytes = b""
    content_type: str = ""
    sender: str = ""
    body: bytes = b""
