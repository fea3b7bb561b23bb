"""Every text of the tray, the window and the other views passes a translation, in whatever state the program is."""

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QMenu, QPushButton, QTabWidget
from pytestqt.qtbot import QtBot

from tests.pseudo import outside_brackets
from tests.ui.fake_backend import HOUR, MINUTE, NOON, FakeBackend, FakeProgram, varied
from tests.ui.widget_texts import unwrapped
from trayalert.domain.events import UrlChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.incident import Change
from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import Reachability
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.alert_text import metric_text
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import MainUi

WHY = Phrase("This computer has no network: nothing can come in until it is connected.")


def show_blind(program: FakeProgram) -> None:
    program.set_reachability(Reachability.BLIND, since=NOON - HOUR, reason=WHY)
    program.tunnel_state = TunnelState(phase=Phase.WAITING)


def show_unknown(program: FakeProgram) -> None:
    program.set_reachability(Reachability.UNKNOWN, reason=Phrase("The first probe is under way."))
    program.news = (WHY,)


def show_reachable(program: FakeProgram) -> None:
    program.set_reachability(Reachability.REACHABLE)
    program.paused_until = NOON + HOUR


def show_changed_address(program: FakeProgram) -> None:
    program.set_reachability(Reachability.REACHABLE)
    program.url_changed = UrlChanged(before="https://1.example.com", now="https://2.example.com")


def show_refusal(program: FakeProgram) -> None:
    program.storing = False
    program.problems = (WHY,)
    program.secret_guesses = WHY


def show_uncertainty(program: FakeProgram) -> None:
    program.uncertainty = Phrase("the log cannot be read")


STATES = (show_blind, show_unknown, show_reachable, show_changed_address, show_refusal, show_uncertainty)

WORD = re.compile(r"[A-Za-z]{2,}")
GIVEN = frozenset({"trayalert", "English", "threshold", "GB", "MB", "ta"})
"""Words that are the same in every language: the program, a language, a format, and units. "ta" is a cut <table>."""


@pytest.fixture
def backend(pseudo_language: Language) -> FakeBackend:
    backend = FakeBackend(program=FakeProgram(clock=NOON, language=pseudo_language, overlay_mode="always"))
    backend.incidents.kept_gaps = [
        Gap(id=3, cause=GapCause.BLIND, began_at=NOON - HOUR, why=WHY),
        Gap(id=2, cause=GapCause.ASLEEP, began_at=NOON - 9 * HOUR, ended_at=NOON - 2 * HOUR),
        Gap(id=1, cause=GapCause.OFF, began_at=NOON - 10 * HOUR, ended_at=NOON - 10 * HOUR + 2000),
    ]
    return backend


@pytest.fixture
def open_ui(qtbot: QtBot, backend: FakeBackend) -> Iterator[Callable[[], MainUi]]:
    opened = []

    def show() -> MainUi:
        main_ui = MainUi(backend, EventBridge())
        opened.append(main_ui)
        main_ui.start()
        main_ui.show_window()
        main_ui.show_gaps()
        main_ui.show_help("start")
        return main_ui

    yield show
    for main_ui in opened:
        main_ui.stop()


def given(backend: FakeBackend) -> set[str]:
    """Return the words that came with the callbacks. They are shown as they are."""
    parts: list[str | None] = []
    for stored in backend.incidents.kept.values():
        alert = stored.alert.alert
        parts += [alert.name, alert.message, alert.resource_name, alert.resource_id, alert.region, alert.group]
        parts += [alert.metric, alert.address, alert.rule_id, *alert.dimensions, *alert.dimensions.values()]
        parts += [*alert.fields, *alert.fields.values(), metric_text(alert, Language.ZH)]
    return set(WORD.findall(" ".join(part for part in parts if part)))


def english(main_ui: MainUi, backend: FakeBackend) -> list[str]:
    """Return the texts of all views that contain an English word outside the brackets which is not from a callback."""
    parts = (main_ui.tray.icon, main_ui.tray.menu, main_ui.window, main_ui.overlay, main_ui.gaps)
    known = GIVEN | given(backend)
    texts = [text for part in parts if part is not None for text in unwrapped(part)]
    return [text for text in texts if not _is_known(outside_brackets(text), known)]


def _is_known(text: str, known: AbstractSet[str]) -> bool:
    """Return whether all words of a text are known. A word before an ellipsis may be cut."""
    cut = [word for word in re.findall(rf"({WORD.pattern})…", text) if any(each.startswith(word) for each in known)]
    return set(WORD.findall(text)) <= {*known, *cut}


@pytest.mark.parametrize("state", STATES)
def test_no_view_shows_a_text_without_a_translation(
    state: Callable[[FakeProgram], None], backend: FakeBackend, open_ui: Callable[[], MainUi]
) -> None:
    state(backend.program)

    assert english(open_ui(), backend) == []


@pytest.mark.parametrize("state", STATES)
def test_no_view_of_incidents_shows_a_text_without_a_translation(
    state: Callable[[FakeProgram], None], backend: FakeBackend, open_ui: Callable[[], MainUi]
) -> None:
    state(backend.program)
    backend.program.last_callback_at = NOON - MINUTE
    incidents = varied(NOON)
    backend.incidents.keep(*incidents)
    backend.incidents.unconfirmed_ids = {incidents[0].incident.id}
    main_ui = open_ui()
    assert main_ui.window is not None
    for menu in main_ui.window.findChildren(QMenu):
        menu.aboutToShow.emit()
    for tabs in main_ui.window.findChildren(QTabWidget):
        tabs.setCurrentIndex(1)
    found = []
    for incident in incidents:
        main_ui.show_window(select=incident.incident.id)
        found += english(main_ui, backend)
    for button in main_ui.window.findChildren(QPushButton):
        if button.isEnabled() and button.menu() is None:
            button.click()
    found += english(main_ui, backend)

    assert list(dict.fromkeys(found)) == []


def test_every_ending_of_an_incident_is_translated(backend: FakeBackend, open_ui: Callable[[], MainUi]) -> None:
    for stored, ending in zip(varied(NOON), Change, strict=False):
        changed = stored.incident._replace(closed_at=NOON, closed_by=ending, start_known=False)
        backend.incidents.keep(replace(stored, incident=changed))

    assert english(open_ui(), backend) == []
