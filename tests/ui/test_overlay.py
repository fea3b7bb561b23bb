from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOUR, NOON, FakeDesk, stored
from trayalert.domain.incident.level import Level
from trayalert.domain.reachability import Reach
from trayalert.ui.overlay import Strip
from trayalert.ui.safe_text import PlainLabel

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk() -> FakeDesk:
    desk = FakeDesk()
    desk.keep(stored(1), stored(2), stored(3), stored(4, level=Level.WARN))
    return desk


@pytest.fixture
def strip(qtbot: QtBot, desk: FakeDesk) -> Iterator[Strip]:
    strip = shown(qtbot, desk)
    yield strip
    strip.hide()


def shown(qtbot: QtBot, desk: FakeDesk) -> Strip:
    menu = QMenu()
    qtbot.addWidget(menu)
    strip = Strip(desk, menu)
    qtbot.addWidget(strip)
    strip.show_state(desk.state())
    with qtbot.waitExposed(strip):
        strip.bring_up()
    return strip


def words(strip: Strip) -> str:
    return " ".join(one.text() for one in strip.findChildren(PlainLabel) if one.text())


def drag(strip: Strip, by: QPoint) -> None:
    start = QPoint(5, 5)
    QTest.mousePress(strip, LEFT, pos=start)
    QTest.mouseMove(strip, start + by)
    QTest.mouseRelease(strip, LEFT, pos=start)  # it has moved along


def test_it_counts_each_level_and_says_since_when_it_is_blind(desk: FakeDesk, strip: Strip) -> None:
    assert words(strip) == "3 critical · 1 warn · reach unknown"
    desk.be(Reach.BLIND, since=NOON - 3 * HOUR)
    strip.show_state(desk.state())
    assert words(strip).startswith("3 critical · 1 warn · blind since ")
    assert strip.accessibleName() == f"trayalert: {words(strip)}"
    desk.kept.clear()
    desk.be(Reach.REACHABLE)
    strip.show_state(desk.state())
    assert words(strip) == "none open"


def test_it_stays_above_and_takes_no_focus(strip: Strip) -> None:
    for flag in (
        Qt.WindowType.WindowStaysOnTopHint,
        Qt.WindowType.FramelessWindowHint,
        Qt.WindowType.WindowDoesNotAcceptFocus,
    ):
        assert strip.windowFlags() & flag


def test_a_click_wants_the_window_and_a_drag_does_not(qtbot: QtBot, desk: FakeDesk, strip: Strip) -> None:
    with qtbot.waitSignal(strip.window_wanted):
        QTest.mouseClick(strip, LEFT, pos=QPoint(5, 5))
    before = strip.pos()
    with qtbot.assertNotEmitted(strip.window_wanted):
        drag(strip, QPoint(-60, -40))
    assert strip.pos() == before + QPoint(-60, -40)
    assert desk.memory["strip"] == {"x": strip.x(), "y": strip.y()}


def test_its_place_is_remembered(qtbot: QtBot, desk: FakeDesk, strip: Strip) -> None:
    drag(strip, QPoint(-60, -40))
    assert shown(qtbot, desk).pos() == strip.pos()


@pytest.mark.parametrize("place", [{"x": 90_000, "y": 40}, {"x": -500, "y": -500}, {"x": "1"}, [1, 2], 7])
def test_a_place_that_is_no_more_is_brought_back(qtbot: QtBot, desk: FakeDesk, place: object) -> None:
    desk.memory["strip"] = place
    strip = shown(qtbot, desk)
    assert QGuiApplication.primaryScreen().availableGeometry().contains(strip.geometry())


def test_longer_words_do_not_push_it_off_the_screen(qtbot: QtBot, desk: FakeDesk, strip: Strip) -> None:
    width = strip.width()
    desk.unsure = "the former log is being salvaged"
    strip.show_state(desk.state())
    assert strip.width() > width
    assert QGuiApplication.primaryScreen().availableGeometry().contains(strip.geometry())


def test_a_right_click_opens_the_menu(qtbot: QtBot, desk: FakeDesk) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    menu.addAction("Open trayalert")
    strip = Strip(desk, menu)
    qtbot.addWidget(strip)
    strip.bring_up()
    click = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), strip.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(strip, click)
    qtbot.waitUntil(menu.isVisible)
    menu.close()
