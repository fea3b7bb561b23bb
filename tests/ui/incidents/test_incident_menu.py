"""The menu of an incident on real widgets, opened by mouse and by keyboard, from the table and from the details."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOSTILE, NOON, FakeBackend, stored
from trayalert.domain.settings.custom_command import CustomCommand
from trayalert.ui.incidents.incident_details import IncidentDetails
from trayalert.ui.incidents.incident_table import IncidentTable
from trayalert.ui.widgets.safe_text import SafeLabel
from trayalert.ui.window import Window

SSH = CustomCommand("SSH & more", ("x-terminal-emulator", "-e", "ssh", "root@{address}"))
SHOW = CustomCommand("Show", ("show", "{id}"))
CHART = "https://cloudmonitor.console.aliyun.com/productMonitorChart?id=i-1"


class Seen:
    """A window with three incidents, the newest first: one with a link, one without a link, and a closed one."""

    def __init__(self, qtbot: QtBot) -> None:
        self.backend = FakeBackend()
        self.backend.incidents.own_commands = (SSH, SHOW)
        first = stored(1, resource_id="i-1", opened_at=NOON)
        self.backend.incidents.keep(
            replace(first, alert=replace(first.alert, alert=replace(first.alert.alert, address="10.0.0.14"))),
            stored(2, resource_id=None, resource_name=None, opened_at=NOON - 1000),
            stored(3, opened_at=NOON - 3000, closed_at=NOON - 2000),
        )
        self.window = Window(self.backend, may_hide=lambda: True)
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.bring_up()
        (self.table,) = self.window.findChildren(IncidentTable)
        (self.details,) = self.window.findChildren(IncidentDetails)

    def right_click(self, row: int) -> QMenu:
        place = self.table.visualRect(self.table.model().index(row, 1)).center()
        reason = QContextMenuEvent.Reason.Mouse
        event = QContextMenuEvent(reason, place, self.table.viewport().mapToGlobal(place))
        QApplication.sendEvent(self.table.viewport(), event)
        return shown()

    def label_text(self) -> str:
        return "\n".join(one.text() for one in self.window.findChildren(SafeLabel) if one.isVisible())


def shown() -> QMenu:
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def entries(menu: QMenu) -> list[str]:
    return [one.text() for one in menu.actions() if not one.isSeparator()]


def entry(menu: QMenu, words: str) -> QAction:
    return next(one for one in menu.actions() if one.text().startswith(words))


def choose(menu: QMenu, words: str) -> None:
    place = menu.actionGeometry(entry(menu, words)).center()
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


@pytest.fixture
def seen(qtbot: QtBot) -> Iterator[Seen]:
    seen = Seen(qtbot)
    yield seen
    while popup := QApplication.activePopupWidget():
        popup.close()
    seen.window.hide()


def test_a_right_click_shows_all_that_can_be_done(seen: Seen) -> None:
    menu = seen.right_click(0)
    assert entries(menu) == [
        "Open in console: Instance page", "Metric chart", "Copy link", "Copy resource ID", "SSH && more", "Show",
        "Mark recovered",
    ]  # fmt: skip
    assert menu.defaultAction().text() == "Open in console: Instance page"
    assert all(one.isEnabled() for one in menu.actions())


def test_what_cannot_be_done_is_greyed_out_and_says_why(seen: Seen) -> None:
    menu = seen.right_click(1)
    assert entries(menu) == [
        "Open in console", "Copy link", "Copy resource ID", "SSH && more (no address is known)",
        "Show (no ID is known)", "Mark recovered",
    ]  # fmt: skip
    assert [one.text() for one in menu.actions() if one.isEnabled() and not one.isSeparator()] == ["Mark recovered"]


def test_without_commands_there_is_no_trace_of_them(seen: Seen) -> None:
    seen.backend.incidents.own_commands = ()
    assert entries(seen.right_click(0)) == [
        "Open in console: Instance page", "Metric chart", "Copy link", "Copy resource ID", "Mark recovered",
    ]  # fmt: skip


def test_the_entries_do_what_they_say(seen: Seen) -> None:
    choose(seen.right_click(0), "Open in console: Instance page")
    choose(seen.right_click(0), "Metric chart")
    assert seen.backend.actions.opened_urls == ["https://ecs.console.aliyun.com/server/i-1/detail", CHART]
    choose(seen.right_click(0), "Copy link")
    assert QGuiApplication.clipboard().text() == "https://ecs.console.aliyun.com/server/i-1/detail"
    choose(seen.right_click(0), "Copy resource ID")
    assert QGuiApplication.clipboard().text() == "i-1"
    choose(seen.right_click(0), "SSH")
    assert seen.backend.actions.ran == [("x-terminal-emulator", "-e", "ssh", "root@10.0.0.14")]
    assert "SSH & more is started." in seen.label_text()


def test_a_command_that_fails_is_reported(seen: Seen) -> None:
    seen.backend.actions.command_problem = "Show was not started: there is no program show."
    choose(seen.right_click(0), "Show")
    assert seen.backend.actions.command_problem in seen.label_text()
    seen.backend.actions.command_problem = None
    choose(seen.right_click(0), "Show")
    assert "Show is started." in seen.label_text()
    assert "not started" not in seen.label_text()


@pytest.mark.parametrize(
    ("key", "modifier"),
    [(Qt.Key.Key_Menu, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)],
)
def test_the_keyboard_opens_and_chooses_too(seen: Seen, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    seen.table.show_row(0)
    QTest.keyClick(seen.table, key, modifier)
    menu = shown()
    assert seen.table.rect().contains(seen.table.mapFromGlobal(menu.pos()))
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert seen.backend.actions.opened_urls == [CHART]


def test_beside_the_rows_there_is_no_menu(seen: Seen) -> None:
    below = QPoint(5, seen.table.viewport().height() - 2)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, below, seen.table.viewport().mapToGlobal(below))
    QApplication.sendEvent(seen.table.viewport(), event)
    assert QApplication.activePopupWidget() is None


def test_mark_recovered_in_the_menu_asks_first(qtbot: QtBot, seen: Seen) -> None:
    choose(seen.right_click(1), "Mark recovered")
    assert seen.backend.actions.resolved == []
    assert seen.details.shown is not None
    assert seen.details.shown.incident.id == 2
    sure = next(one for one in seen.window.findChildren(QPushButton) if one.text() == "Sure? Click again")
    assert sure.hasFocus()
    qtbot.waitUntil(lambda: seen.details.confirmable)
    QTest.mouseClick(sure, Qt.MouseButton.LeftButton)
    assert seen.backend.actions.resolved == [2]


def test_a_closed_incident_cannot_be_marked_recovered(seen: Seen) -> None:
    seen.window.status.open_only.setChecked(False)
    assert "Mark recovered" not in entries(seen.right_click(2))


def test_the_details_have_the_further_actions_behind_a_button(seen: Seen) -> None:
    more = next(one for one in seen.window.findChildren(QPushButton) if one.text() == "More")
    seen.table.show_row(0)
    menu = more.menu()
    menu.popup(more.mapToGlobal(QPoint(0, 0)))
    assert entries(menu) == ["Metric chart", "Copy resource ID", "SSH && more", "Show"]
    choose(menu, "Metric chart")
    assert seen.backend.actions.opened_urls == [CHART]


def test_a_copied_id_runs_nothing_where_it_is_pasted(seen: Seen) -> None:
    seen.backend.incidents.keep(stored(1, resource_id=f"i-1\n{HOSTILE}", opened_at=NOON))
    seen.window.incidents.reload()
    choose(seen.right_click(0), "Copy resource ID")
    text = QGuiApplication.clipboard().text()
    assert text.isprintable()
    assert "\u202e" not in text
