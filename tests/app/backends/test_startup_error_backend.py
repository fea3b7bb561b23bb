"""The user interface of a program that cannot start: each view shows the problem, and no view needs a log."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QComboBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from trayalert.app.backends.startup_error_backend import StoppedProgram, startup_error_backend
from trayalert.domain.wording.language import Language
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import MainUi
from trayalert.ui.widgets.safe_text import SafeLabel

PROBLEM = "The data dir /x cannot be made."


@pytest.fixture
def program() -> StoppedProgram:
    return StoppedProgram(PROBLEM)


@pytest.fixture
def quits() -> list[str]:
    return []


@pytest.fixture
def main_ui(qtbot: QtBot, program: StoppedProgram, quits: list[str]) -> Iterator[MainUi]:
    main_ui = MainUi(startup_error_backend(program, lambda: quits.append("quit")), EventBridge())
    main_ui.start()
    main_ui.show_window()
    yield main_ui
    main_ui.stop()


def words_of(view: QWidget | None) -> str:
    assert view is not None
    return "\n".join(label.text() for label in view.findChildren(SafeLabel) if label.isVisible())


def menu_of(main_ui: MainUi) -> list[str]:
    return [entry.text() for entry in main_ui.tray.menu.actions() if entry.isVisible()]


def click(view: QWidget | None, caption: str) -> None:
    assert view is not None
    next(button for button in view.findChildren(QPushButton) if button.text() == caption and button.isVisible()).click()


def test_tray_and_window_show_the_problem_until_another_takes_its_place(
    qtbot: QtBot, program: StoppedProgram, main_ui: MainUi
) -> None:
    assert words_of(main_ui.window).count("Unknown what is open: trayalert cannot begin") == 2
    assert words_of(main_ui.window).count(PROBLEM) == 2
    assert "Last callback unknown · Blind: callbacks are refused, as they cannot be stored" in words_of(main_ui.window)
    assert PROBLEM in menu_of(main_ui)
    assert "Start with the session" not in menu_of(main_ui)

    program.problem = "The disk is full."
    main_ui.refresh()
    qtbot.waitUntil(lambda: "The disk is full." in words_of(main_ui.window))
    assert PROBLEM not in words_of(main_ui.window)


def test_each_action_of_window_and_menu_is_harmless_and_quit_ends_the_program(
    main_ui: MainUi, quits: list[str]
) -> None:
    assert main_ui.window is not None
    (reach,) = [button for button in main_ui.window.findChildren(QPushButton) if button.text() == "&Reach"]
    for entry in (*reach.menu().actions(), *main_ui.tray.menu.actions()):
        entry.trigger()
    assert words_of(main_ui.gaps).startswith("The log cannot be read now.")
    assert quits == ["quit"]


def test_the_setup_assistant_refuses_a_choice_with_the_problem(main_ui: MainUi) -> None:
    main_ui.show_setup_assistant()
    assistant = main_ui.setup_assistant
    assert assistant is not None
    click(assistant, "&Next")
    assert "must lead to 127.0.0.1:8765." in words_of(assistant)
    (kinds,) = assistant.findChildren(QComboBox)
    kinds.setCurrentIndex(kinds.findData("tailscale"))
    click(assistant, "Save and go o&n")
    assert f"⚠ {PROBLEM}" in words_of(assistant)
    assistant.close()
    assert main_ui.setup_assistant is None


def test_a_language_is_chosen_for_this_run(program: StoppedProgram, main_ui: MainUi) -> None:
    (languages,) = [entry.menu() for entry in main_ui.tray.menu.actions() if entry.menu()]
    for choice, entry in zip(("auto", "en", "zh"), languages.actions(), strict=True):  # type: ignore[attr-defined]
        entry.trigger()
        assert program.language_choice == choice
    assert program.language is Language.ZH


def test_help_leads_to_the_page_about_trouble(main_ui: MainUi) -> None:
    assert main_ui.window is not None
    for request in (main_ui.tray.help_requested, main_ui.window.help_requested):
        main_ui.show_help("start")
        assert main_ui.help is not None
        main_ui.help.show_page("start")
        request.emit("incidents")
        assert main_ui.help.topic == "troubleshooting"
