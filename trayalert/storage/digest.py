"""A digest of each row, so that a flipped byte is found that SQLite itself does not see.

A row's digest is made of what SQLite gives back for it, on any machine and by any Python, and its numbers are in it: a
row that took the place of another is found too.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

_SIZE = 16


def _length(value: bytes) -> list[int]:
    return [len(value)]


_written = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_length).encode


def digest_of(table: str, values: Sequence[Any]) -> bytes:
    """Return the digest of a row's values: numbers, texts, bytes and None, as SQLite gives them back."""
    # JSON in ASCII says where it ends; bytes stand as their length in it (a list, as no value is), and come after it
    digest = hashlib.blake2b((table + _written(values)).encode(), digest_size=_SIZE)
    for value in values:
        if type(value) is bytes:
            digest.update(value)
    return digest.digest()
