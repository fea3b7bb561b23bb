"""A callback as it came over the wire, before anybody has read it."""

from dataclasses import dataclass

from trayalert.domain.times import Millis

INTERNAL_METHOD = "OWN"
"""The method of what the program itself has to say. No request has it: nobody else can say that, nor was it heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One HTTP request with the right secret. `query` and `body` are the raw bytes, undecoded; `sender` an address."""

    received_at: Millis
    method: str
    query: bytes = b""
    content_type: str = ""
    sender: str = ""
    secret: str = ""
    """The name of the secret that let it in; empty where that is not known."""
    body: bytes = b""
