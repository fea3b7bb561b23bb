from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOUR, NOON, FakeProgram, stored
from trayalert.domain.incident.level import Level
from trayalert.domain.reachability import Reachability
from trayalert.ui.overlay import Overlay
from trayalert.ui.widgets.safe_text import SafeLabel

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def program() -> FakeProgram:
    program = FakeProgram()
    program.incidents.keep(stored(1), stored(2), stored(3), stored(4, level=Level.WARN))
    return program


@pytest.fixture
def overlay(qtbot: QtBot, program: FakeProgram) -> Iterator[Overlay]:
    overlay = shown(qtbot, program)
    yield overlay
    overlay.hide()


def shown(qtbot: QtBot, program: FakeProgram) -> Overlay:
    menu = QMenu()
    qtbot.addWidget(menu)
    overlay = Overlay(program, menu)
    qtbot.addWidget(overlay)
    overlay.show_state(program.state())
    with qtbot.waitExposed(overlay):
        overlay.bring_up()
    return overlay


def words(overlay: Overlay) -> str:
    return " ".join(one.text() for one in overlay.findChildren(SafeLabel) if one.text())


def drag(overlay: Overlay, by: QPoint) -> None:
    start = QPoint(5, 5)
    QTest.mousePress(overlay, LEFT, pos=start)
    QTest.mouseMove(overlay, start + by)
    # the overlay has moved with the mouse, so the position within it is the same
    QTest.mouseRelease(overlay, LEFT, pos=start)


def test_it_counts_each_level_and_says_since_when_it_is_blind(program: FakeProgram, overlay: Overlay) -> None:
    assert words(overlay) == "3 critical · 1 warn · reach unknown"
    program.set_reachability(Reachability.BLIND, since=NOON - 3 * HOUR)
    overlay.show_state(program.state())
    assert words(overlay).startswith("3 critical · 1 warn · blind since ")
    assert overlay.accessibleName() == f"trayalert: {words(overlay)}"
    program.incidents.kept.clear()
    program.set_reachability(Reachability.REACHABLE)
    overlay.show_state(program.state())
    assert words(overlay) == "none open"


def test_it_stays_above_and_takes_no_focus(overlay: Overlay) -> None:
    for flag in (
        Qt.WindowType.WindowStaysOnTopHint,
        Qt.WindowType.FramelessWindowHint,
        Qt.WindowType.WindowDoesNotAcceptFocus,
    ):
        assert overlay.windowFlags() & flag


def test_a_click_wants_the_window_and_a_drag_does_not(qtbot: QtBot, program: FakeProgram, overlay: Overlay) -> None:
    with qtbot.waitSignal(overlay.window_requested):
        QTest.mouseClick(overlay, LEFT, pos=QPoint(5, 5))
    before = overlay.pos()
    with qtbot.assertNotEmitted(overlay.window_requested):
        drag(overlay, QPoint(-60, -40))
    assert overlay.pos() == before + QPoint(-60, -40)
    assert program.memory["strip"] == {"x": overlay.x(), "y": overlay.y()}


def test_its_place_is_remembered(qtbot: QtBot, program: FakeProgram, overlay: Overlay) -> None:
    drag(overlay, QPoint(-60, -40))
    assert shown(qtbot, program).pos() == overlay.pos()


@pytest.mark.parametrize("place", [{"x": 90_000, "y": 40}, {"x": -500, "y": -500}, {"x": "1"}, [1, 2], 7])
def test_a_place_that_is_no_more_is_brought_back(qtbot: QtBot, program: FakeProgram, place: object) -> None:
    program.memory["strip"] = place
    overlay = shown(qtbot, program)
    assert QGuiApplication.primaryScreen().availableGeometry().contains(overlay.geometry())


def test_longer_words_do_not_push_it_off_the_screen(qtbot: QtBot, program: FakeProgram, overlay: Overlay) -> None:
    width = overlay.width()
    program.uncertainty = "the former log is being salvaged"
    overlay.show_state(program.state())
    assert overlay.width() > width
    assert QGuiApplication.primaryScreen().availableGeometry().contains(overlay.geometry())


def test_a_right_click_opens_the_menu(qtbot: QtBot, program: FakeProgram) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    menu.addAction("Open trayalert")
    overlay = Overlay(program, menu)
    qtbot.addWidget(overlay)
    overlay.bring_up()
    click = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), overlay.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(overlay, click)
    qtbot.waitUntil(menu.isVisible)
    menu.close()
