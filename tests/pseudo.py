"""A language in which every translated text is in the brackets ⟦⟧, so that a test finds text without a translation.

In this language, "Go on a&nyway" is ⟦Ĝö öñ á&nÿŵáÿ····⟧. The texts contain accents and are longer than the English
texts, as in many languages.
"""

import functools
import importlib
import re
import sys
from collections.abc import Iterator

import pytest

from tests.test_structure import ROOT
from trayalert.domain.wording.language import Language, use_catalogues
from trayalert.translations import read_catalogue

_ACCENTED = str.maketrans("aceghijnosuwyzACEGIJNOSUWYZ", "áçéğĥîĵñöšûŵÿžÁÇÉĞÎĴÑÖŠÛŴŸŽ")
_KEPT = re.compile(r"(\{[^{}]*\}|&.)", re.DOTALL)
"""The parts of a message that must not change: fields, and mnemonics."""


class PseudoCatalogue:
    """Translates the messages of the program. Text that is not marked as a message stays as it is."""

    def gettext(self, message: str, /) -> str:
        return pseudo(message) if message in program_messages() else message

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        return self.gettext(one if count == 1 else many)


@pytest.fixture
def pseudo_language() -> Iterator[Language]:
    """Return a language other than English, and translate it as PseudoCatalogue does until the end of the test."""
    use_catalogues(lambda _: PseudoCatalogue())
    yield Language.ZH
    use_catalogues(read_catalogue)


@functools.cache
def program_messages() -> frozenset[str]:
    """Return all messages that `make translations` finds in the code."""
    sys.path.append(str(ROOT / "packaging"))
    try:
        find_messages = importlib.import_module("update_translations").find_messages
    finally:
        sys.path.pop()
    found = (message for _, message in find_messages(ROOT))
    return frozenset(text for message in found for text in ((message,) if isinstance(message, str) else message))


def pseudo(message: str) -> str:
    """Return a message with accents, longer and in brackets. A message without a letter and without a field stays."""
    parts = _KEPT.split(message)
    if not any(has_word(part, at_least=1) or part.startswith("{") for part in parts):
        return message
    changed = (part if _KEPT.fullmatch(part) else part.translate(_ACCENTED) for part in parts)
    return f"⟦{''.join(changed)}{'·' * (len(message) // 3)}⟧"


def outside_brackets(text: str) -> str:
    """Return those parts of a text that are not in the brackets. A text may be cut before its last bracket."""
    depth, kept = 0, []
    for character in text:
        if character == "⟦":
            kept += [" "] * (depth == 0)
            depth += 1
        elif character == "⟧":
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(character)
    return "".join(kept)


def has_word(text: str, *, at_least: int = 2) -> bool:
    return re.search(rf"[^\W\d_]{{{at_least},}}", text) is not None
