"""Makes the identities of alerts and the keys of incidents. `domain/incident/alert.py` explains both terms."""

import hashlib
import re
from collections.abc import Mapping

from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import Identity
from trayalert.domain.incident.resource import ACCOUNT_DIMENSIONS
from trayalert.domain.times import Millis

_SIGNATURE = re.compile(rb"(?:(?<=&)|^)signature=[^&]*&?|\"signature\\{0,7}\"\s*:\s*\\{0,7}\"[^\"]*\"\s*,?")


def timed_identity(at: Millis, *parts: str | None) -> Identity:
    """Return an identity made of an alert's time and other parts.

    No part except the first may contain a line break. The identity begins with the time, so new identities are stored
    at the end of the log's index. Storing many alerts then changes one page of the index, instead of one page for each
    alert.
    """
    digest = _digest("\n".join(part or "" for part in parts).encode("utf-8", "replace"))
    return Identity(text=f"{at:012x}{digest}", timed=True)


def text_identity(callback: Callback) -> Identity:
    """Return an identity made of the callback's query and body.

    The `signature` is left out, because each retry of a callback has a different signature.
    """
    query, body = (_remove_signature(text) for text in (callback.query, callback.body.strip()))
    return Identity(text=_digest(query + b"\0" + body), timed=False)


def _remove_signature(text: bytes) -> bytes:
    # most large bodies have no signature, and a search for the plain word is much faster than the regular expression
    return (_SIGNATURE.sub(b"", text) if b"signature" in text else text).rstrip(b"&")


def key_of(*parts: object) -> str:
    """Return a short key for the given parts, such as strings and lists of strings.

    Different parts have different keys. Equal parts have the same key in every version of Python.
    """
    return _digest(ascii(parts).encode())


def canonical(dimensions: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return all dimensions except those that name the account, as pairs sorted by name.

    The sender may send the same dimensions in different orders, and the sorted pairs are then still equal.
    """
    return sorted((name, value) for name, value in dimensions.items() if name not in ACCOUNT_DIMENSIONS)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
