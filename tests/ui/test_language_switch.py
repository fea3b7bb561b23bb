"""The user chooses a language in the tray's menu, and everything that is shown is in this language at once."""

import gettext
import time
from collections.abc import Iterator
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOUR, MINUTE, NOON, FakeBackend, FakeProgram, stored
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.wording.language import use_catalogues
from trayalert.translations import read_catalogue
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.help.help_browser import HelpBrowser
from trayalert.ui.incidents.incident_table import IncidentTable
from trayalert.ui.main_ui import MainUi
from trayalert.ui.widgets.safe_text import SafeLabel, SafeParagraph
from trayalert.ui.widgets.text_table import TextTable
from trayalert.ui.window import Window

NAME = "订单 <b>服务</b>"
Widget = TypeVar("Widget", bound=QWidget)
HEAD, CELL = Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole


class Marked(gettext.NullTranslations):
    """A catalogue whose translations are the texts in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


@pytest.fixture(autouse=True)
def _marked() -> Iterator[None]:
    use_catalogues(lambda _: Marked())
    yield
    use_catalogues(read_catalogue)


@pytest.fixture
def backend() -> FakeBackend:
    backend = FakeBackend(program=FakeProgram(clock=NOON + HOUR, last_callback_at=NOON, overlay_mode="always"))
    backend.incidents.keep(*map(incident, range(1, 501)))
    backend.incidents.kept_gaps = [
        Gap(id=2, cause=GapCause.BLIND, began_at=NOON - HOUR, why=Phrase("The tunnel is down.")),
        Gap(id=1, cause=GapCause.ASLEEP, began_at=NOON - 9 * HOUR, ended_at=NOON - 2 * HOUR),
    ]
    return backend


def incident(number: int) -> StoredIncident:
    closed_at = None if number <= 400 else NOON + number
    return stored(number, name=NAME, alerts=60, opened_at=NOON - number * MINUTE, closed_at=closed_at)


@pytest.fixture
def main_ui(qtbot: QtBot, backend: FakeBackend) -> Iterator[MainUi]:
    main_ui = MainUi(backend, EventBridge())
    main_ui.start()
    main_ui.show_window()
    main_ui.show_gaps()
    main_ui.show_help("start")
    yield main_ui
    main_ui.stop()


def window_of(main_ui: MainUi) -> Window:
    assert main_ui.window is not None
    return main_ui.window


def child(view: QWidget | None, kind: type[Widget]) -> Widget:
    assert view is not None
    return view.findChildren(kind)[0]


def language_entries(main_ui: MainUi) -> dict[str, QAction]:
    (menu,) = [entry.menu() for entry in main_ui.tray.menu.actions() if entry.menu()]
    return {entry.text(): entry for entry in menu.actions()}  # type: ignore[attr-defined]


def choose(main_ui: MainUi, name: str) -> None:
    language_entries(main_ui)[name].trigger()


def checked(main_ui: MainUi) -> list[str]:
    return [name for name, entry in language_entries(main_ui).items() if entry.isChecked()]


def words_of(view: QWidget | None) -> list[str]:
    """Return the visible texts of labels, buttons, paragraphs and tabs, and the window's title."""
    assert view is not None
    texts = [view.windowTitle()]
    texts += [each.text() for each in view.findChildren(SafeLabel) if each.isVisible()]
    texts += [each.text() for each in view.findChildren(QPushButton) if each.isVisible()]
    texts += [each.toPlainText() for each in view.findChildren(SafeParagraph) if each.isVisible()]
    for tabs in view.findChildren(QTabWidget):
        texts += [tabs.tabText(place) for place in range(tabs.count())]
    return [text for text in texts if text]


def rows_of(table: TextTable | IncidentTable, rows: int) -> list[list[str]]:
    """Return the titles of a table, and the cells of its first rows."""
    model = table.model()
    columns = range(model.columnCount())
    cells = [[model.index(row, column).data() or "" for column in columns] for row in range(rows)]
    return [[model.headerData(column, HEAD, CELL) for column in columns], *cells]


def menu_of(main_ui: MainUi) -> list[str]:
    return [entry.text() for entry in main_ui.tray.menu.actions() if entry.isVisible() and not entry.isSeparator()]


def test_a_choice_in_the_menu_changes_every_part_at_once(qtbot: QtBot, backend: FakeBackend, main_ui: MainUi) -> None:
    window_of(main_ui).status.show_problem(Phrase("The disk is full."))
    before = {
        "menu": menu_of(main_ui),
        "window": words_of(main_ui.window),
        "overlay": words_of(main_ui.overlay),
        "gaps": words_of(main_ui.gaps),
        "help": words_of(main_ui.help),
    }
    assert (checked(main_ui), backend.program.language_choice) == (["System default"], "auto")

    choose(main_ui, "中文")

    assert backend.program.language_choice == "zh"
    assert checked(main_ui) == ["中文"]
    assert list(language_entries(main_ui)) == ["⟦System default⟧", "English", "中文"]
    assert menu_of(main_ui)[0] == "⟦400 open, worst ⟦CRITICAL⟧⟧"
    assert [text for text in menu_of(main_ui) if "⟦" not in text] == []
    assert main_ui.tray.icon.toolTip().startswith("⟦trayalert: ⟦400 open")
    window = words_of(main_ui.window)
    assert {"⟦&Reach⟧", "⟦&Help⟧", "⟦Copy link⟧", "⟦Mark recovered⟧", "⟦Raw fields⟧", "⟦Alerts (50+)⟧"} <= set(window)
    assert {"⚠ ⟦The disk is full.⟧", "⟦Duration⟧", "⟦Worst level⟧"} <= set(window)
    assert window_of(main_ui).status.open_only.text() == "⟦Open only⟧"
    titles, row = rows_of(child(main_ui.window, IncidentTable), 1)
    assert titles[0] == "⟦Level⟧"
    assert row[0] == "⟦CRITICAL⟧"
    assert words_of(main_ui.overlay) == ["⟦trayalert strip⟧", "⟦400 critical⟧ · ⟦reach unknown⟧"]
    titles, row = rows_of(child(main_ui.gaps, TextTable), 1)
    assert titles == ["⟦What⟧", "⟦From⟧", "⟦Until⟧", "⟦Lasted⟧", "⟦Why⟧"]
    assert (row[0], row[2], row[4]) == ("⟦blind⟧", "⟦goes on⟧", "⟦The tunnel is down.⟧")
    assert words_of(main_ui.gaps)[0] == "⟦Gaps - trayalert⟧"
    qtbot.waitUntil(lambda: "关闭" in words_of(main_ui.gaps))  # Qt's own text
    assert words_of(main_ui.help)[0] == "⟦First steps - trayalert help⟧"
    assert child(main_ui.help, QLineEdit).placeholderText() == "⟦Search all pages (Ctrl+F)⟧"

    choose(main_ui, "English")

    assert (checked(main_ui), backend.program.language_choice) == (["English"], "en")
    qtbot.waitUntil(lambda: "Close" in words_of(main_ui.gaps))
    after = {
        "menu": menu_of(main_ui),
        "window": words_of(main_ui.window),
        "overlay": words_of(main_ui.overlay),
        "gaps": words_of(main_ui.gaps),
        "help": words_of(main_ui.help),
    }
    assert after == before


def test_the_setup_assistant_changes_too_and_keeps_its_page(main_ui: MainUi) -> None:
    main_ui.show_setup_assistant()
    assistant = main_ui.setup_assistant
    assert assistant is not None
    page = assistant.page
    choose(main_ui, "中文")

    assert assistant.page is page
    assert {"⟦Set up reach - trayalert⟧", "⟦&Back⟧", "⟦Step 1 of 6⟧"} <= set(words_of(assistant))


def test_texts_from_callbacks_stay_as_they_are(main_ui: MainUi) -> None:
    table = child(main_ui.window, IncidentTable)
    _, before = rows_of(table, 1)

    choose(main_ui, "中文")

    _, after = rows_of(table, 1)
    assert (after[1], after[3:5], after[6:]) == (before[1], before[3:5], before[6:])
    assert {NAME, "web-01", "i-bp1aaaaaaaaaaaaaaaaa", "production"} <= set(words_of(main_ui.window))
    assert child(main_ui.help, HelpBrowser).toPlainText().startswith("First steps\n")


def test_selection_scroll_position_and_entered_text_stay(qtbot: QtBot, main_ui: MainUi) -> None:
    table, tabs = child(main_ui.window, IncidentTable), child(main_ui.window, QTabWidget)
    (alerts,) = [each for each in window_of(main_ui).findChildren(TextTable) if each.columnCount() == 4]
    page, field = child(main_ui.help, HelpBrowser), child(main_ui.help, QLineEdit)
    table.show_row(120)
    tabs.setCurrentIndex(1)
    field.insert("settings")
    alerts.selectRow(30)
    qtbot.waitUntil(lambda: alerts.verticalScrollBar().maximum() > 7 and page.verticalScrollBar().maximum() > 40)
    alerts.verticalScrollBar().setValue(7)
    page.verticalScrollBar().setValue(40)
    bars = [view.verticalScrollBar() for view in (table, alerts, page)]
    before = [bar.value() for bar in bars]
    assert 0 not in before

    choose(main_ui, "中文")
    QApplication.processEvents()

    assert [index.row() for index in table.selectionModel().selectedRows()] == [120]
    assert [index.row() for index in alerts.selectionModel().selectedRows()] == [30]
    assert (table.currentIndex().row(), tabs.currentIndex()) == (120, 1)
    assert field.text() == "settings"
    assert [bar.value() for bar in bars] == before


def test_a_wanted_confirmation_stays_wanted(backend: FakeBackend, main_ui: MainUi) -> None:
    buttons = window_of(main_ui).findChildren(QPushButton)
    (button,) = [button for button in buttons if button.text() == "Mark recovered"]
    button.click()

    choose(main_ui, "中文")

    assert button.text() == "⟦Sure? Click again⟧"


def test_a_menu_that_is_filled_is_filled_again(main_ui: MainUi) -> None:
    (button,) = [each for each in window_of(main_ui).findChildren(QPushButton) if each.text() == "More"]
    button.menu().aboutToShow.emit()

    choose(main_ui, "中文")

    assert "⟦Copy resource ID⟧" in [entry.text() for entry in button.menu().actions()]


def test_a_failure_to_write_is_shown_and_nothing_changes(backend: FakeBackend, main_ui: MainUi) -> None:
    backend.actions.language_problem = Phrase("The folder is read-only.")

    choose(main_ui, "中文")

    assert checked(main_ui) == ["System default"]
    assert "⚠ The folder is read-only." in words_of(main_ui.window)
    assert not [text for text in (*menu_of(main_ui), *words_of(main_ui.window)) if "⟦" in text]


def test_windows_that_are_opened_later_are_in_the_language_too(qtbot: QtBot, backend: FakeBackend) -> None:
    backend.program.overlay_mode = "auto"
    main_ui = MainUi(backend, EventBridge())
    main_ui.start()
    choose(main_ui, "中文")
    main_ui.show_window()
    main_ui.show_gaps()
    assert "⟦&Help⟧" in words_of(main_ui.window)
    assert {"⟦Gaps - trayalert⟧", "关闭"} <= set(words_of(main_ui.gaps))
    main_ui.stop()


def test_a_message_that_is_shown_for_a_while_changes_too(main_ui: MainUi) -> None:
    status = window_of(main_ui).status
    status.show_message(Phrase(N_("Checking…")))
    choose(main_ui, "中文")
    assert "⟦Checking…⟧" in words_of(status)


@pytest.mark.alone
def test_a_switch_takes_less_than_50_ms(qtbot: QtBot, backend: FakeBackend, main_ui: MainUi) -> None:
    durations = []
    for choice in ("zh", "en") * 5:
        backend.actions.choose_language(choice)
        begun = time.perf_counter()
        main_ui.retranslate()
        durations.append(time.perf_counter() - begun)
        QApplication.processEvents()
    assert sorted(durations)[len(durations) // 2] < 0.05, durations
