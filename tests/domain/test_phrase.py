"""Phrases are English text that keeps its translation, whatever happens to the text until it is shown."""

import copy
import gettext
import json
import os
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayalert.domain.fault import Fault
from trayalert.domain.phrase import (
    NAMES,
    Phrase,
    PhraseList,
    as_clause,
    as_sentence,
    decode_phrases,
    encode_phrases,
    first_sentence,
    further_sentences,
    phrase_from_text,
    phrase_to_text,
)
from trayalert.domain.text import printable

TAKEN = "port {port} is taken. end it. Or set another port."


class _Chinese(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return {
            TAKEN: "端口 {port} 被占用。请结束它。或者换一个端口。",
            "Look.": "请看。",
            "{sentence} {next}": "{sentence}{next}",
            "{name}, {next}": "{name}、{next}",
        }.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return {"{count} port": "{count} 个端口"}.get(msgid1, msgid2)


@pytest.mark.parametrize("text", [TAKEN.format(port=80), Phrase(TAKEN, port=80)], ids=["text", "phrase"])
def test_a_text_is_cut_after_its_first_sentence(text: str) -> None:
    assert first_sentence(text) == "port 80 is taken."
    assert further_sentences(text) == "End it. Or set another port."
    assert (first_sentence("version 1.2 is here."), further_sentences("version 1.2 is here.")) == (
        "version 1.2 is here.",
        "",
    )


def test_a_phrase_is_cut_in_every_language() -> None:
    for phrase in (Phrase(TAKEN, port=80), PhraseList([Phrase(TAKEN, port=80), Phrase("Look.")])):
        first, further = first_sentence(phrase), further_sentences(phrase)
        assert isinstance(first, Phrase)
        assert isinstance(further, Phrase)
        assert first.render(_Chinese()) == "端口 80 被占用。"
        assert further.render(_Chinese()).startswith("请结束它。或者换一个端口。")
        assert Phrase.from_json(first.to_json()).render(_Chinese()) == "端口 80 被占用。"


def test_a_phrase_can_be_changed_twice() -> None:
    clause = as_clause(first_sentence(Phrase(TAKEN, port=80)))
    assert clause == "port 80 is taken"
    assert isinstance(clause, Phrase)
    assert clause.render(_Chinese()) == "端口 80 被占用"
    assert as_sentence(as_clause(Phrase("it is taken."))) == "It is taken"


def test_a_phrase_is_english_text_for_all_that_know_no_phrases() -> None:
    phrase = Phrase(TAKEN, port=Phrase("{port}", port=80))
    assert phrase == "port 80 is taken. end it. Or set another port."
    assert json.dumps({"why": phrase}) == '{"why": "port 80 is taken. end it. Or set another port."}'
    assert sqlite3.connect(":memory:").execute("SELECT ?", (phrase,)).fetchone() == (str(phrase),)
    assert type(phrase.english) is str
    assert hash(phrase) == hash(phrase.english)


def test_a_value_without_a_field_is_neither_stored_nor_sent() -> None:
    for phrase in (
        Phrase(TAKEN, port=80, secret="s3cret"),
        Phrase.counted("{count} port", "{count} ports", 2, secret="s3cret"),
    ):
        assert "s3cret" not in json.dumps(phrase.to_json())


def test_a_fault_and_a_copy_keep_the_phrase() -> None:
    phrase = Phrase(TAKEN, port=80)
    assert str(Fault(phrase)) is phrase
    assert copy.deepcopy([phrase])[0] is phrase
    assert Phrase("{error}", error=Fault(phrase)).render(_Chinese()).startswith("端口 80")


def test_lists_are_joined_as_the_language_does_it() -> None:
    sentences = PhraseList([Phrase("Look."), "", Phrase(TAKEN, port=80)])
    assert sentences.startswith("Look. port 80")
    assert sentences.render(_Chinese()).startswith("请看。端口 80")
    names = PhraseList(["a", "b"], separator=NAMES)
    assert (names, names.render(_Chinese())) == ("a, b", "a、b")


def test_numbers_choose_the_form() -> None:
    one, two = (Phrase.counted("{count} port", "{count} ports", count) for count in (1, 2))
    assert (one, two) == ("1 port", "2 ports")
    assert [each.render(_Chinese()) for each in (one, two)] == ["1 个端口", "2 个端口"]


def test_a_template_without_values_may_contain_braces() -> None:
    assert Phrase("write {} or {name}") == "write {} or {name}"
    assert Phrase("write {} or {name}").render(_Chinese()) == "write {} or {name}"


@given(st.text())
def test_a_value_is_never_taken_for_a_template(value: str) -> None:
    phrase = Phrase("it is {value}, {again}", value=value, again=Phrase("{value}", value=value))
    assert phrase == f"it is {value}, {value}"
    assert phrase.render(_Chinese()) == phrase


PHRASES = [
    Phrase(TAKEN, port=80),
    Phrase.counted("{count} port", "{count} ports", 3),
    PhraseList([Phrase("Look."), "a {brace}"]),
    PhraseList(["a", "b"], separator=NAMES),
    as_sentence(as_clause(Phrase(TAKEN, port=Phrase("Look.")))),
    first_sentence(PhraseList([Phrase(TAKEN, port=1.5), Phrase("Look.")])),
]


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_comes_back_from_the_log_and_from_the_socket(phrase: Phrase) -> None:
    over_socket = decode_phrases(json.loads(json.dumps(encode_phrases({"done": [phrase, 1, None]}))))["done"]
    assert over_socket[1:] == [1, None]
    for found in (over_socket[0], phrase_from_text(phrase_to_text(phrase))):
        assert isinstance(found, Phrase)
        assert found == phrase
        assert found.render(_Chinese()) == phrase.render(_Chinese())


@pytest.mark.parametrize(
    "values",
    [
        {"phrase": "{a}", "plural": "", "values": {"b": 1}, "form": ""},
        {"phrase": "{0}", "plural": "", "values": {"b": 1}, "form": ""},
        {"phrase": "{a.b}", "plural": "", "values": {"a": 1}, "form": ""},
        {"phrase": "{a[b]}", "plural": "", "values": {"a": 1}, "form": ""},
        {"phrase": "{a", "plural": "", "values": {"a": 1}, "form": ""},
        {"phrase": "{a:,}", "plural": "", "values": {"a": None}, "form": ""},
        {"phrase": "{a:c}", "plural": "", "values": {"a": 1 << 80}, "form": ""},
        {"phrase": "a", "plural": "", "values": {}, "form": "unknown"},
        {"phrase": "a", "plural": "b", "values": {}, "form": ""},
        {"phrase": "a", "plural": "b", "values": {"count": "2"}, "form": ""},
        {"phrases": [1], "separator": " "},
    ],
)
def test_an_object_that_is_no_phrase_is_refused_or_kept_as_text(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"phrase|brace|'}'"):
        decode_phrases([values])
    text = json.dumps(values)
    assert phrase_from_text(text) == text


@pytest.mark.parametrize(
    "stored", [None, "", "plain text", '{"phrase"', '{"phrase": 3}', '{"phrase": ' + "[" * 100_000]
)
def test_a_text_that_is_no_phrase_is_read_as_it_was_stored(stored: str | None) -> None:
    assert phrase_from_text(stored) == stored


def test_cleaning_keeps_a_phrase_that_is_clean() -> None:
    clean, dirty = Phrase(TAKEN, port=80), Phrase(TAKEN, port="8\u202e0")
    assert printable(clean) is clean
    assert printable(dirty) == "port 80 is taken. end it. Or set another port."
    assert not isinstance(printable(dirty), Phrase)
    assert printable(clean, limit=10) == "port 80 i…"


def test_a_path_that_is_not_utf_8_can_be_stored() -> None:
    phrase = Phrase("{path} is full", path=os.fsdecode(b"/data/\xff"))
    stored = phrase_to_text(phrase)
    assert stored is not None
    assert stored.isascii()
    assert phrase_from_text(stored) == phrase
