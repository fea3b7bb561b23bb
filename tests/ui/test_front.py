import subprocess
import sys
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.fake_desk import NOON, FakeDesk, stored
from trayalert.domain.events import CallbackArrived, IncidentChanged, LogChanged, ResolveFailed
from trayalert.domain.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.ui.bridge import EventBridge
from trayalert.ui.front import Front
from trayalert.ui.incident_table import IncidentTable
from trayalert.ui.plain import PlainLabel
from trayalert.ui.window import Window


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def bridge(qtbot: QtBot) -> EventBridge:
    return EventBridge()


@pytest.fixture
def front(desk: FakeDesk, bridge: EventBridge) -> Iterator[Front]:
    front = Front(desk, bridge)
    front.start()
    yield front
    front.stop()


def window_of(front: Front) -> Window:
    assert front.window is not None
    return front.window


def test_the_window_is_not_made_before_it_is_wanted(front: Front) -> None:
    assert front.window is None
    front.show_window()
    assert window_of(front).isVisible()


def test_the_front_imports_the_window_only_when_it_opens_it() -> None:
    source = "import sys, trayalert.ui.front; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], check=True, timeout=30, capture_output=True, text=True)
    unwanted = {"trayalert.ui.window", "PySide6.QtNetwork", "PySide6.QtSvg", "PySide6.QtDBus", "aiohttp", "sqlite3"}
    assert unwanted & set(done.stdout.split()) == set()


def test_a_new_incident_reaches_tray_and_table(qtbot: QtBot, desk: FakeDesk, bridge: EventBridge, front: Front) -> None:
    front.show_window()
    table = window_of(front).findChildren(IncidentTable)[0]
    desk.keep(stored(1))
    desk.last_callback_at = NOON
    bridge.put([CallbackArrived(NOON), IncidentChanged(1, Change.OPENED)])
    qtbot.waitUntil(lambda: table.model().rowCount() == 1)
    qtbot.waitUntil(lambda: "1 open, worst CRITICAL" in front.tray.icon.toolTip())
    assert desk.asked == [(1,)]


def test_one_incident_is_selected_on_wish(qtbot: QtBot, desk: FakeDesk, front: Front) -> None:
    desk.keep(stored(1), stored(2), stored(3))
    front.show_window(2)
    table = window_of(front).findChildren(IncidentTable)[0]
    assert table.currentIndex().row() == 1


def test_a_click_in_the_tray_opens_the_console_and_says_where_it_cannot(
    qtbot: QtBot, desk: FakeDesk, front: Front
) -> None:
    desk.keep(stored(1))
    front.tray.console_wanted.emit(desk.kept[1])
    assert len(desk.opened_urls) == 1
    assert front.window is None
    desk.browser_works = False
    front.tray.console_wanted.emit(desk.kept[1])
    assert window_of(front).isVisible()


def test_another_file_of_the_log_is_read_anew(qtbot: QtBot, desk: FakeDesk, bridge: EventBridge, front: Front) -> None:
    desk.keep(stored(1))
    front.show_window()
    table = window_of(front).findChildren(IncidentTable)[0]
    desk.kept.clear()
    bridge.put([LogChanged(LogState(new_file=1))])
    qtbot.waitUntil(lambda: table.model().rowCount() == 0)


def test_a_mark_that_failed_is_told_in_the_window(qtbot: QtBot, bridge: EventBridge, front: Front) -> None:
    front.show_window()
    bridge.put([ResolveFailed(1, "The disk is full.")])
    labels = window_of(front).findChildren(PlainLabel)
    qtbot.waitUntil(lambda: any("could not be marked recovered: The disk is full." in one.text() for one in labels))


def test_a_log_that_cannot_be_read_is_asked_again_until_it_can(
    qtbot: QtBot, desk: FakeDesk, bridge: EventBridge, front: Front
) -> None:
    desk.readable, desk.unsure = False, "the log cannot be read"
    front._again.setInterval(20)
    front.refresh()
    qtbot.waitUntil(lambda: "Unknown what is open: the log cannot be read" in front.tray.icon.toolTip())
    desk.readable, desk.unsure = True, None
    qtbot.waitUntil(lambda: "No incident is open" in front.tray.icon.toolTip())
    qtbot.waitUntil(lambda: not front._again.isActive())


def test_a_log_that_stores_nothing_is_blind_and_named_in_tray_and_menu(
    qtbot: QtBot, desk: FakeDesk, front: Front
) -> None:
    desk.storing, desk.trouble, desk.news = False, ("The disk is full.",), ("Salvaged 3 of 4.",)
    desk.probing = "Someone is probing: 1 request with a wrong secret. An old URL looks the same."
    front.tray.refresh()
    qtbot.waitUntil(lambda: "The disk is full." in front.tray.icon.toolTip())
    menu = front.tray.icon.contextMenu()
    shown = [action.text() for action in menu.actions() if action.isVisible()]
    assert {"The disk is full.", "Salvaged 3 of 4.", "Someone is probing: 1 request with a wrong secret"} <= set(shown)


def test_with_no_tray_the_window_shows(qtbot: QtBot, front: Front) -> None:
    front.tray.missing.emit()
    assert window_of(front).isVisible()
