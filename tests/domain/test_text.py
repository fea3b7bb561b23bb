import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayalert.domain.text import printable

WILD = "".join(map(chr, [*range(0x21), 0x7F, 0x85, 0x9B, 0xA0, 0xAD, 0x200B, 0x202E, 0x2028, 0x2066, 0xFEFF, 0xD800]))
texts = st.text(st.sampled_from(WILD + "ab中😀") | st.characters(exclude_categories=[]), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""), ("", ""), ("a", "a"), ("中文 名", "中文 名"), ("a\r\n\tb", "a b"), ("  a   b  ", "a b"),
        ("a\x00b", "a b"), ("a\x1b[31mb", "a [31mb"), ("a\x9b31mb", "a 31mb"),
        ("a\x85b\u2028c\u2029d\xa0e", "a b c d e"),
        ("gpj\u202excod", "gpjxcod"), ("a\u2066b\u2069\u200f", "ab"), ("a\u200bb\u2060c\ufeffd\u00ade", "abcde"),
        ("\ud800a\udfff", "a"), ("a\u034fb\u3164\u115fc", "abc"), ("a\U000e0041\U000e007fb", "ab"),
        ("\u180ea\u180bb", "ab"),
        ("e\u0301\u0323", "e\u0301\u0323"), ("Z" + "\u0300" * 500 + "a", "Z" + "\u0300" * 4 + "a"),
        ("<b>&amp;</b>", "<b>&amp;</b>"), ("😀", "😀"), ("\n\n", ""),
    ],
)  # fmt: skip
def test_text_from_the_network_is_one_line_with_nothing_unseen(text: str | None, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abcde", "abcde"), ("abcdef", "abcd…"), ("ab\u200bcd\u200be", "abcde"), ("ab    cdef", "ab c…"),
        ("a" * 60_000, "aaaa…"), ("\u200b" * 60_000 + "a", "…"), (" " * 60_000 + "a", "…"),
        ("a" + " " * 60_000, "a…"),
        ("a" + "\u200b" * 60_000 + "b", "a…"),
    ],
)  # fmt: skip
def test_what_is_cut_off_shows_that_it_is(text: str, shown: str) -> None:
    assert printable(text, limit=5) == shown


@given(texts, st.integers(1, 70))
def test_what_is_shown_is_short_and_holds_nothing_that_hides_or_reorders(text: str, limit: int) -> None:
    shown = printable(text, limit=limit)

    assert len(shown) <= limit
    assert shown == shown.strip()
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(char) for char in shown} & {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip
    shown.encode()
    assert printable(shown, limit=limit) == shown
