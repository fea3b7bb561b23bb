import subprocess
import sys
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.fake_desk import NOON, FakeDesk, stored
from trayalert.domain.events import CallbackArrived, IncidentChanged
from trayalert.domain.incident import Change
from trayalert.ui.bridge import EventBridge
from trayalert.ui.front import Front
from trayalert.ui.incident_table import IncidentTable
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


def test_with_no_tray_the_window_shows(qtbot: QtBot, front: Front) -> None:
    front.tray.missing.emit()
    assert window_of(front).isVisible()
