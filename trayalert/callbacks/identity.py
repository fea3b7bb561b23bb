"""Which alert is it, and which incident? Short texts made of what names them; see `domain/alert.py`."""

import hashlib
import json
import re

from trayalert.domain.alert import Identity
from trayalert.domain.callback import Callback

_SIGNATURE = re.compile(rb"(?:(?<=&)|^)signature=[^&]*&?|\"signature\"\s*:\s*\"[^\"]*\"\s*,?")
_LONGEST_KEY = 400


def timed_identity(*parts: object) -> Identity:
    """Name an alert by what its rule, resource and moment are."""
    return Identity(text=_digest(json.dumps(parts).encode()), timed=True)


def text_identity(callback: Callback) -> Identity:
    """Name an alert by its body: a retry is re-signed, so without `signature`."""
    body = _SIGNATURE.sub(b"", callback.body.strip()).rstrip(b"&")
    return Identity(text=_digest(callback.query + b"\0" + body), timed=False)


def key_of(*parts: object) -> str:
    """Make an incident's key of parts; unequal parts make unequal keys. A very long one is shortened to its hash."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST_KEY else f'["hash","{_digest(text.encode("utf-8", "replace"))}"]'


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
