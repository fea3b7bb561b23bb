"""Text from the network, made fit to be shown. The log keeps the bytes; only what a person sees is cleaned."""

import re

_BREAKS = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_UNSEEN = re.compile(
    # soft hyphen, bidi marks, embeddings, overrides and isolates, zero-width characters, lone surrogates:
    # with them a stranger can hide, reorder or break what the admin reads
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)


def printable(text: str | None, *, limit: int = 300) -> str:
    """Return one line without invisible characters, at most `limit` characters long; None is empty."""
    if not text:
        return ""
    line = _BREAKS.sub(" ", _UNSEEN.sub("", text[: limit * 4])).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
