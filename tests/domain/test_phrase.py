"""Phrases keep their translation when they are cut into sentences."""

import gettext

import pytest

from trayalert.domain.phrase import Phrase, PhraseList, as_clause, as_sentence, first_sentence, further_sentences

TAKEN = "port {port} is taken. end it. Or set another port."


class _Chinese(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return {TAKEN: "端口 {port} 被占用。请结束它。或者换一个端口。", "Look.": "请看。", " ": ""}.get(
            message, message
        )


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
