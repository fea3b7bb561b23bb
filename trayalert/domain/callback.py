"""A callback as it came over the wire, before it is parsed."""

from dataclasses import dataclass

from trayalert.domain.times import Millis

INTERNAL_METHOD = "OWN"
"""The method of callbacks that the program writes itself. No HTTP request has it."""


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
