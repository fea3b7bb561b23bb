import subprocess
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QTableWidget
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOSTILE, HOUR, NOON, FakeDesk, stored
from trayalert.domain import events  # by its name pytest would take TestReceived for a test
from trayalert.domain.events import CallbackArrived, IncidentChanged, LogChanged, ResolveFailed
from trayalert.domain.gap import Cause, Gap
from trayalert.domain.incident.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.incidents.incident_table import IncidentTable
from trayalert.ui.main_ui import Front
from trayalert.ui.safe_text import PlainLabel
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
    source = "import sys, trayalert.ui.main_ui; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], check=True, timeout=30, capture_output=True, text=True)
    own = {f"trayalert.ui.{name}" for name in ("window", "setup", "overlay", "gaps_view")}
    unwanted = own | {"PySide6.QtNetwork", "PySide6.QtSvg", "PySide6.QtDBus", "aiohttp", "sqlite3"}
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


def miss_tray(front: Front) -> None:
    front.tray.missing.emit()


def alone(desk: FakeDesk, *, minimised: bool = False, desktop: str = "XFCE") -> Front:
    """A front with no tray."""
    front = Front(desk, EventBridge(), environment={"XDG_CURRENT_DESKTOP": desktop})
    front.start(minimised=minimised)
    miss_tray(front)
    return front


def test_with_no_tray_window_and_strip_show_at_first_and_later_only_the_strip(qtbot: QtBot, desk: FakeDesk) -> None:
    front = alone(desk)
    assert window_of(front).isVisible()
    assert front.strip is not None
    assert front.strip.isVisible()
    window_of(front).close()
    assert not window_of(front).isVisible()  # the strip is the way back
    miss_tray(front)
    assert not window_of(front).isVisible()
    front.strip.window_wanted.emit()
    assert window_of(front).isVisible()
    front.stop()
    second = alone(desk)
    assert second.window is None
    second.stop()


def test_started_minimised_with_no_tray_there_is_only_the_strip(qtbot: QtBot, desk: FakeDesk) -> None:
    front = alone(desk, minimised=True)
    assert front.window is None
    assert front.strip is not None
    front.stop()


def test_with_neither_tray_nor_strip_the_window_never_disappears(qtbot: QtBot, desk: FakeDesk) -> None:
    desk.strip = "never"
    for minimised in (False, True):
        front = alone(desk, minimised=minimised)
        assert front.strip is None
        assert window_of(front).isVisible()
        assert window_of(front).isMinimized() is minimised
        window_of(front).close()
        assert window_of(front).isMinimized()
        front.stop()


def test_the_strip_goes_when_the_tray_comes(qtbot: QtBot, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, stays in (("auto", False), ("always", True)):
        desk.strip = kind
        front = alone(desk)
        assert front.strip is not None
        with monkeypatch.context() as patch:
            patch.setattr(type(front.tray), "present", property(lambda _tray: True))
            front.tray.touched.emit()
            assert front.strip.isVisible() is stays
        front.stop()


def test_a_gnome_with_no_tray_is_told_once_what_to_install(qtbot: QtBot, desk: FakeDesk) -> None:
    told: list[str] = []
    front = Front(desk, EventBridge(), environment={"XDG_CURRENT_DESKTOP": "ubuntu:GNOME"})
    front.advised.connect(told.append)
    front.start()
    miss_tray(front)
    assert "gnome-shell-extension-appindicator" in told[0]
    assert told[0] in words_of(front)
    next(
        one for one in window_of(front).findChildren(QPushButton) if one.text() == "Dismiss" and one.isVisible()
    ).click()
    assert told[0] not in words_of(front)
    front.stop()
    for desktop in ("ubuntu:GNOME", "KDE"):
        again = alone(desk, desktop=desktop)
        again.show_window()
        assert "AppIndicator" not in words_of(again)
        again.stop()


def words_of(front: Front) -> str:
    return "\n".join(one.text() for one in window_of(front).findChildren(PlainLabel) if one.isVisible())


def test_the_guide_is_made_when_it_is_wanted_and_let_go_when_it_is_closed(qtbot: QtBot, desk: FakeDesk) -> None:
    bridge = EventBridge()
    front = Front(desk, bridge, guide_wanted=True)
    front.start()
    assert front.guide is not None
    guide = front.guide
    with qtbot.waitSignal(guide.destroyed):
        guide.close()
    assert front.guide is None
    entry_of(front, "Set up reach…").trigger()
    assert front.guide is not None
    bridge.put([events.TestReceived(NOON)])
    qtbot.waitUntil(lambda: any("Test came in" in one.text() for one in front.guide.findChildren(PlainLabel)))
    front.stop()


def test_gaps_are_shown_from_the_tray_and_read_anew(qtbot: QtBot, desk: FakeDesk, front: Front) -> None:
    desk.kept_gaps = [
        Gap(id=2, cause=Cause.BLIND, began_at=NOON - HOUR, why=HOSTILE),
        Gap(id=1, cause=Cause.ASLEEP, began_at=NOON - 9 * HOUR, ended_at=NOON - 2 * HOUR),
    ]
    entry_of(front, "Gaps…").trigger()
    assert front.gaps is not None
    assert not front.gaps.windowIcon().isNull()
    assert front.gaps is not None
    table = front.gaps.findChildren(QTableWidget)[0]
    rows = [[table.model().index(row, column).data() for column in range(5)] for row in range(2)]
    assert [row[0] for row in rows] == ["blind", "asleep"]
    assert [row[2:4] for row in rows] == [["goes on", "1 h"], [rows[1][2], "7 h"]]
    assert "\u202e" not in rows[0][4]
    for gaps, words in (([], "There was none"), (None, "cannot be read")):
        desk.kept_gaps, desk.readable = gaps or [], gaps is not None
        front.show_gaps()
        assert any(words in one.text() for one in front.gaps.findChildren(PlainLabel))


def test_autostart_is_set_in_the_tray_and_a_failure_is_told(qtbot: QtBot, desk: FakeDesk, front: Front) -> None:
    entry_of(front, "Start with the session").trigger()
    assert desk.starts is True
    desk.autostart_problem = "The folder is read-only."
    entry_of(front, "Start with the session").trigger()
    assert entry_of(front, "Start with the session").isChecked()
    assert "The folder is read-only." in words_of(front)


def entry_of(front: Front, words: str) -> QAction:
    return next(one for one in front.tray.menu.actions() if one.text() == words)
