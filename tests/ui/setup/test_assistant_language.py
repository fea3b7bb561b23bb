"""The setup assistant changes its language while it is shown, and loses nothing that was entered."""

import errno

import pytest
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QRadioButton,
)
from pytestqt.qtbot import QtBot

from tests.pseudo import pseudo
from tests.ui.fake_backend import MINUTE, NOON, FakeBackend, FakeSetup
from tests.ui.setup.walk import ENTER, Walk
from tests.ui.widget_texts import texts_of, unwrapped
from trayalert.domain import events  # as a module, so that pytest does not collect TestReceived as a test
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.events import CallbackArrived, SampleSent
from trayalert.domain.fault import os_reason
from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import Reachability
from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.domain.wording.language import Language
from trayalert.ui.widgets.safe_text import SafeField

MESSAGE = os_reason(PermissionError(errno.EACCES, "Permission denied"))
"""A text that is translated, as a part of the program would return it."""
EXAMPLES = {
    "https://alerts.example.com",
    "/home/me/frpc.toml",
    "user@alerts.example.com",
    "bore local {port} --to bore.example.com",
}


def untranslated(walk: Walk) -> list[str]:
    """Return the texts without a translation. Examples, the callback URL and the names of products do not count."""
    products = [preset.title for preset in PRESETS.values() if not isinstance(preset.title, Phrase)]
    known = {*EXAMPLES, *products, walk.backend.setup.callback_url()}
    return [text for text in unwrapped(walk.assistant) if text not in known]


def switch(walk: Walk, language: Language) -> None:
    """Choose another language while the assistant is shown."""
    walk.backend.program.language = language
    walk.assistant.retranslate()


@pytest.mark.parametrize("step", range(1, 7))
def test_each_page_is_shown_in_another_language_at_once(
    qtbot: QtBot, backend: FakeBackend, pseudo_language: Language, step: int
) -> None:
    backend.program.set_reachability(Reachability.REACHABLE)
    backend.setup.checks = (Check(name=MESSAGE, verdict=Verdict.WARN, said=MESSAGE, do=MESSAGE),)
    walk = Walk(qtbot, backend)
    walk.go_to(step)
    walk.assistant.retranslate()  # also refreshes the other pages
    english, page, focus = list(texts_of(walk.assistant)), walk.assistant.page, walk.focus

    switch(walk, pseudo_language)
    assert untranslated(walk) == []
    assert (walk.assistant.page, walk.focus) == (page, focus)
    assert pseudo("Step {number} of {count}").format(number=step, count=6) in walk.words()
    fresh = Walk(qtbot, backend)
    assert untranslated(fresh) == []
    assert fresh.words() == walk.words()

    switch(walk, Language.EN)
    assert list(texts_of(walk.assistant)) == english


@pytest.mark.parametrize("kind", PRESETS)
def test_the_fields_are_translated_and_keep_what_was_entered(walk: Walk, pseudo_language: Language, kind: str) -> None:
    walk.go_to(2)
    (kinds,) = walk.assistant.findChildren(QComboBox)
    kinds.setCurrentIndex(kinds.findData(kind))
    fields = [one for one in walk.assistant.findChildren(SafeField) if one.isVisible() and not one.isReadOnly()]
    for number, field in enumerate(fields):
        field.setText(f"typed {number}")

    switch(walk, pseudo_language)
    assert untranslated(walk) == []
    assert [one.text() for one in fields] == [f"typed {number}" for number in range(len(fields))]
    assert kinds.currentData() == kind


@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("address", ["127.0.0.1:8765", "0.0.0.0:8765"])
def test_the_advice_for_a_host_and_a_router_is_translated(
    qtbot: QtBot, pseudo_language: Language, place: int, address: str
) -> None:
    walk = Walk(qtbot, FakeBackend(setup=FakeSetup(address=address)))
    walk.assistant.findChildren(QRadioButton)[place].click()
    walk.press(ENTER)
    switch(walk, pseudo_language)

    assert untranslated(walk) == []


def test_a_problem_with_the_fields_is_translated(walk: Walk, backend: FakeBackend, pseudo_language: Language) -> None:
    def problem(language: Language) -> str:
        switch(walk, language)
        return next(line for line in walk.words().split("\n") if "⚠" in line)

    walk.go_to(2)
    walk.press(ENTER)
    assert problem(Language.EN) == "⚠ Name the tunnel, or the file with its token."
    assert pseudo("Name the tunnel, or the file with its token.") in problem(pseudo_language)
    walk.field(pseudo("Name of the tunnel")).show_text("a b")
    walk.press(ENTER)
    assert problem(Language.EN).startswith("⚠ Name of the tunnel: must be ")
    assert pseudo("Name of the tunnel") in problem(pseudo_language)
    walk.field(pseudo("Name of the tunnel")).show_text("alerts")
    walk.press(ENTER)
    assert problem(Language.EN).startswith("⚠ The public address must be one such as")
    assert untranslated(walk) != []
    switch(walk, pseudo_language)
    assert untranslated(walk) == []
    walk.field(pseudo("Public address")).show_text("https://alerts.example.com")
    backend.setup.ingress_problem = MESSAGE
    walk.press(ENTER)
    assert problem(Language.EN) == "⚠ Permission denied"
    assert pseudo("Permission denied") in problem(pseudo_language)


@pytest.mark.parametrize(
    "sample", [SampleSent(None, public=True), SampleSent(None, public=False), SampleSent(MESSAGE, public=True)]
)
@pytest.mark.parametrize("arrived", [CallbackArrived(NOON - MINUTE), events.TestReceived(NOON)])
def test_what_has_arrived_is_translated(
    walk: Walk, pseudo_language: Language, sample: SampleSent, arrived: events.Event
) -> None:
    walk.go_to(5)
    walk.button("&Rehearse without Alibaba").click()
    switch(walk, pseudo_language)
    assert pseudo("Sending a sample…") in walk.words()
    switch(walk, Language.EN)
    walk.assistant.on_events([arrived, sample])
    switch(walk, pseudo_language)

    assert untranslated(walk) == []
    assert pseudo("Waiting…") not in walk.words()


def test_a_problem_with_the_autostart_is_translated(
    walk: Walk, backend: FakeBackend, pseudo_language: Language
) -> None:
    backend.program.set_reachability(Reachability.REACHABLE)
    backend.setup.autostart_problem = MESSAGE
    walk.go_to(6)
    walk.assistant.findChildren(QCheckBox)[0].click()
    switch(walk, pseudo_language)

    assert pseudo("Permission denied") in walk.words()
    assert walk.assistant.findChildren(QCheckBox)[0].isVisible()
