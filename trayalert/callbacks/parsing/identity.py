"""Makes the identities of alerts and the keys of incidents; see `domain/incident/alert.py`."""

import hashlib
import re
from collections.abc import Mapping

from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import Identity
from trayalert.domain.incident.resource import ACCOUNT_DIMENSIONS
from trayalert.domain.times import Millis

_SIGNATURE = re.compile(rb"(?:(?<=&)|^)signature=[^&]*&?|\"signature\\{0,7}\"\s*:\s*\\{0,7}\"[^\"]*\"\s*,?")


def timed_identity(at: Millis, *parts: str | None) -> Identity:
    """Identify an alert by its moment and other parts, of which only the first may hold a line break.

    The moment comes first, so that the log's index grows at one end: a page for a group of alerts, not one for each.
    """
    digest = _digest("\n".join(part or "" for part in parts).encode("utf-8", "replace"))
    return Identity(text=f"{at:012x}{digest}", timed=True)


def text_identity(callback: Callback) -> Identity:
    """Identify an alert by its text without `signature`, as a retry is signed anew."""
    query, body = (_remove_signature(text) for text in (callback.query, callback.body.strip()))
    return Identity(text=_digest(query + b"\0" + body), timed=False)


def _remove_signature(text: bytes) -> bytes:
    # most large bodies have no signature, and searching for the plain word is much faster
    return (_SIGNATURE.sub(b"", text) if b"signature" in text else text).rstrip(b"&")


def key_of(*parts: object) -> str:
    """Make a short key of texts, lists and tuples of texts: unequal for unequal parts, equal in every Python."""
    return _digest(ascii(parts).encode())


def canonical(dimensions: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return all dimensions but the account, sorted by name, as they may be sent in any order."""
    return sorted((name, value) for name, value in dimensions.items() if name not in ACCOUNT_DIMENSIONS)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
