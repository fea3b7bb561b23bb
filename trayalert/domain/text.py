"""Functions that prepare text for users.

Text from the network is cleaned only when it is shown. The log keeps the bytes that were sent.
"""

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable

from trayalert.domain.phrase import NAMES, Phrase, PhraseList

_BREAKS = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_INVISIBLE = re.compile(
    # soft hyphen, bidi marks, embeddings, overrides and isolates, joiners, fillers and other zero-width characters,
    # tags, lone surrogates: a hostile sender could use them to hide, reorder or break the text that the admin reads
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)

_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED_MARKS = re.compile(f"({_MARK}{{4}}){_MARK}+")
"""Matches five or more combining marks in a row. No language uses so many marks on one letter.

The marks would cover the lines above, and would slow down Qt's layout.
"""


def printable(text: str | None, *, limit: int = 300) -> str:
    """Return the text as one line of at most `limit` characters, without invisible characters.

    Return an empty string for None. If the text is a Phrase that needs no change, return the phrase.
    """
    if not text:
        return ""
    start = text[: limit * 4]
    line = _BREAKS.sub(" ", _STACKED_MARKS.sub(r"\1", _INVISIBLE.sub("", start))).strip()
    if line == text and len(line) <= limit:
        return text
    return line if len(line) <= limit and len(start) == len(text) else line[: limit - 1] + "…"


def display_width(text: str) -> int:
    """Return the width of a string, measured in Latin characters. A Chinese character counts as two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def as_written(value: object, *, bare: bool = False) -> str:
    """Return a value from the settings as it is quoted in a sentence.

    The returned string is printable and has at most 80 characters. A string value is put in quotes unless `bare` is
    true. `true`, `false` and arrays are written as in TOML.
    """
    try:
        if isinstance(value, bool | list):
            text = json.dumps(value, ensure_ascii=False, default=str)
        else:
            text = f'"{value}"' if isinstance(value, str) and not bare else str(value)
    except ValueError:  # Python refuses to write a number that has thousands of digits
        return Phrase("a very long number")
    return printable(text, limit=80)


def suggestion(name: str, known: Iterable[str], *, form: str = "{}", or_all: bool = False) -> str:
    """Return a question such as `is port meant?`, with the known name that is most similar to `name`.

    If no known name is similar, `or_all` decides. If `or_all` is true, return a clause that lists all known names. If
    `or_all` is false, return an empty string. `form` is the format string with which each name is written.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return Phrase("is {name} meant?", name=form.format(near[0]))
    if not or_all:
        return ""
    return Phrase("there are {names}", names=PhraseList(map(form.format, names), separator=NAMES))
