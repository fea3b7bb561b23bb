"""Text for people. Text from the network is cleaned when it is shown; the log keeps the bytes."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

_BREAKS = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_INVISIBLE = re.compile(
    # soft hyphen, bidi marks, embeddings, overrides and isolates, joiners, fillers and other zero-width characters,
    # tags, lone surrogates: with them a stranger can hide, reorder or break what the admin reads
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)

_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED_MARKS = re.compile(f"({_MARK}{{4}}){_MARK}+")
"""More marks on one letter than any language has: they cover the lines above, and Qt lays them out slowly."""


def printable(text: str | None, *, limit: int = 300) -> str:
    """Return one line without invisible characters, at most `limit` characters long; None is empty."""
    if not text:
        return ""
    start = text[: limit * 4]
    line = _BREAKS.sub(" ", _STACKED_MARKS.sub(r"\1", _INVISIBLE.sub("", start))).strip()
    return line if len(line) <= limit and len(start) == len(text) else line[: limit - 1] + "…"


def display_width(text: str) -> int:
    """Return how wide a text is in Latin characters; a Chinese one is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def as_sentence(text: str) -> str:
    """Return a fault's text with a capital: faults are worded to follow `trayalert: `."""
    return text if text.startswith("trayalert") else text[:1].upper() + text[1:]


def as_written(value: object, *, bare: bool = False) -> str:
    """Return a value of the settings for a sentence: printable, at most 80 characters, texts quoted unless `bare`."""
    try:
        text = f'"{value}"' if isinstance(value, str) and not bare else str(value)
    except ValueError:  # Python writes no number of thousands of digits
        text = "a very long number"
    return printable(text, limit=80)


def suggestion(name: str, known: Iterable[str], *, form: str = "{}", or_all: bool = False) -> str:
    """Return `is port meant?` for the known name that is most like `name`.

    Where none is like it, return an empty text or, with `or_all`, the list of all. `form` is how a name is written.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"is {form.format(near[0])} meant?"
    return "there are " + ", ".join(map(form.format, names)) if or_all else ""
