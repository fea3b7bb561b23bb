import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QTableWidget
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOSTILE, HOUR, NOON, FakeBackend, stored
from trayalert.domain import events  # as a module, so that pytest does not collect TestReceived as a test
from trayalert.domain.events import CallbackArrived, IncidentChanged, LogChanged, ResolveFailed
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.incidents.incident_table import IncidentTable
from trayalert.ui.main_ui import MainUi, MainUiTiming
from trayalert.ui.widgets.safe_text import SafeLabel
from trayalert.ui.window import Window


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def bridge(qtbot: QtBot) -> EventBridge:
    return EventBridge()


@pytest.fixture
def main_ui(backend: FakeBackend, bridge: EventBridge) -> Iterator[MainUi]:
    main_ui = MainUi(backend, bridge, timing=MainUiTiming(retry=20))
    main_ui.start()
    yield main_ui
    main_ui.stop()


def window_of(main_ui: MainUi) -> Window:
    assert main_ui.window is not None
    return main_ui.window


def test_the_window_is_not_made_before_it_is_wanted(main_ui: MainUi) -> None:
    assert main_ui.window is None
    main_ui.show_window()
    assert window_of(main_ui).isVisible()


def test_the_main_ui_imports_the_window_only_when_it_opens_it() -> None:
    source = "import sys, trayalert.ui.main_ui; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], check=True, timeout=30, capture_output=True, text=True)
    own = {f"trayalert.ui.{name}" for name in ("window", "setup", "overlay", "gaps_view", "help")}
    unwanted = own | {"PySide6.QtNetwork", "PySide6.QtSvg", "PySide6.QtDBus", "aiohttp", "sqlite3"}
    assert unwanted & set(done.stdout.split()) == set()


def test_a_new_incident_reaches_tray_and_table(
    qtbot: QtBot, backend: FakeBackend, bridge: EventBridge, main_ui: MainUi
) -> None:
    main_ui.show_window()
    table = window_of(main_ui).findChildren(IncidentTable)[0]
    backend.incidents.keep(stored(1))
    backend.program.last_callback_at = NOON
    bridge.put([CallbackArrived(NOON), IncidentChanged(1, Change.OPENED)])
    qtbot.waitUntil(lambda: table.model().rowCount() == 1)
    qtbot.waitUntil(lambda: "1 open, worst CRITICAL" in main_ui.tray.icon.toolTip())
    assert backend.incidents.queried_ids == [(1,)]


def help_topic(main_ui: MainUi) -> str:
    assert main_ui.help is not None
    assert main_ui.help.isVisible()
    return main_ui.help.topic


@pytest.mark.parametrize(
    ("name", "topic"), [("window", "incidents"), ("setup_assistant", "connection"), ("gaps", "incidents")]
)
def test_f1_opens_the_help_page_of_each_window(qtbot: QtBot, main_ui: MainUi, name: str, topic: str) -> None:
    getattr(main_ui, f"show_{name}")()
    assert main_ui.help is None
    window = getattr(main_ui, name)
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_F1)
    assert help_topic(main_ui) == topic


def test_help_in_window_and_menu_opens_the_first_page_in_one_window_that_is_freed_when_it_closes(
    qtbot: QtBot, main_ui: MainUi
) -> None:
    main_ui.show_window()
    next(one for one in window_of(main_ui).findChildren(QPushButton) if one.text() == "&Help").click()
    first = main_ui.help
    assert help_topic(main_ui) == "start"
    main_ui.show_help("proof")
    *_, entry, last = [one for one in main_ui.tray.menu.actions() if one.isVisible()]
    assert (entry.text(), last.text()) == ("Help", "Quit")
    entry.trigger()
    assert (help_topic(main_ui), main_ui.help) == ("start", first)
    assert first is not None
    with qtbot.waitSignal(first.destroyed):
        first.close()
    assert main_ui.help is None


def test_one_incident_is_selected_on_request(qtbot: QtBot, backend: FakeBackend, main_ui: MainUi) -> None:
    backend.incidents.keep(stored(1), stored(2), stored(3))
    main_ui.show_window(2)
    table = window_of(main_ui).findChildren(IncidentTable)[0]
    assert table.currentIndex().row() == 1


def test_a_click_in_the_tray_opens_the_console_and_says_where_it_cannot(
    qtbot: QtBot, backend: FakeBackend, main_ui: MainUi
) -> None:
    backend.incidents.keep(stored(1))
    main_ui.tray.console_requested.emit(backend.incidents.kept[1])
    assert len(backend.actions.opened_urls) == 1
    assert main_ui.window is None
    backend.actions.browser_works = False
    main_ui.tray.console_requested.emit(backend.incidents.kept[1])
    assert window_of(main_ui).isVisible()


def test_another_file_of_the_log_is_read_anew(
    qtbot: QtBot, backend: FakeBackend, bridge: EventBridge, main_ui: MainUi
) -> None:
    backend.incidents.keep(stored(1))
    main_ui.show_window()
    table = window_of(main_ui).findChildren(IncidentTable)[0]
    backend.incidents.kept.clear()
    bridge.put([LogChanged(LogState(new_file=1))])
    qtbot.waitUntil(lambda: table.model().rowCount() == 0)


def test_a_mark_that_failed_is_reported_in_the_window(qtbot: QtBot, bridge: EventBridge, main_ui: MainUi) -> None:
    main_ui.show_window()
    bridge.put([ResolveFailed(1, "The disk is full.")])
    labels = window_of(main_ui).findChildren(SafeLabel)
    qtbot.waitUntil(lambda: any("could not be marked recovered: The disk is full." in one.text() for one in labels))


def test_a_log_that_cannot_be_read_is_asked_again_until_it_can(
    qtbot: QtBot, backend: FakeBackend, bridge: EventBridge, main_ui: MainUi
) -> None:
    backend.incidents.readable, backend.program.uncertainty = False, "the log cannot be read"
    main_ui.refresh()
    qtbot.waitUntil(lambda: "Unknown what is open: the log cannot be read" in main_ui.tray.icon.toolTip())
    backend.incidents.readable, backend.program.uncertainty = True, None
    qtbot.waitUntil(lambda: "No incident is open" in main_ui.tray.icon.toolTip())
    qtbot.waitUntil(lambda: not main_ui.log_retry_pending)


def test_a_log_that_stores_nothing_is_blind_and_named_in_tray_and_menu(
    qtbot: QtBot, backend: FakeBackend, main_ui: MainUi
) -> None:
    backend.program.storing, backend.program.problems, backend.program.news = (
        False,
        ("The disk is full.",),
        ("Salvaged 3 of 4.",),
    )
    backend.program.secret_guesses = "Someone is probing: 1 request with a wrong secret. An old URL looks the same."
    main_ui.tray.refresh()
    qtbot.waitUntil(lambda: "The disk is full." in main_ui.tray.icon.toolTip())
    menu = main_ui.tray.icon.contextMenu()
    shown = [action.text() for action in menu.actions() if action.isVisible()]
    assert {"The disk is full.", "Salvaged 3 of 4.", "Someone is probing: 1 request with a wrong secret"} <= set(shown)


def miss_tray(main_ui: MainUi) -> None:
    main_ui.tray.host_missing.emit()


def alone(
    backend: FakeBackend,
    *,
    minimised: bool = False,
    desktop: str = "XFCE",
    host_available: Callable[[], bool] = lambda: False,
) -> MainUi:
    """Start a main UI that has no tray until `host_available` returns True."""
    environment = {"XDG_CURRENT_DESKTOP": desktop}
    main_ui = MainUi(backend, EventBridge(), environment=environment, host_available=host_available)
    main_ui.start(minimised=minimised)
    miss_tray(main_ui)
    return main_ui


def test_with_no_tray_window_and_overlay_show_at_first_and_later_only_the_overlay(
    qtbot: QtBot, backend: FakeBackend
) -> None:
    main_ui = alone(backend)
    assert window_of(main_ui).isVisible()
    assert main_ui.overlay is not None
    assert main_ui.overlay.isVisible()
    window_of(main_ui).close()
    assert not window_of(main_ui).isVisible()  # the window can be opened again from the overlay
    miss_tray(main_ui)
    assert not window_of(main_ui).isVisible()
    main_ui.overlay.window_requested.emit()
    assert window_of(main_ui).isVisible()
    main_ui.stop()
    second = alone(backend)
    assert second.window is None
    second.stop()


def test_started_minimised_with_no_tray_there_is_only_the_overlay(qtbot: QtBot, backend: FakeBackend) -> None:
    main_ui = alone(backend, minimised=True)
    assert main_ui.window is None
    assert main_ui.overlay is not None
    main_ui.stop()


def test_with_neither_tray_nor_overlay_the_window_never_disappears(qtbot: QtBot, backend: FakeBackend) -> None:
    backend.program.overlay_mode = "never"
    for minimised in (False, True):
        main_ui = alone(backend, minimised=minimised)
        assert main_ui.overlay is None
        assert window_of(main_ui).isVisible()
        assert window_of(main_ui).isMinimized() is minimised
        window_of(main_ui).close()
        assert window_of(main_ui).isMinimized()
        main_ui.stop()


def test_the_overlay_goes_when_the_tray_comes(qtbot: QtBot, backend: FakeBackend) -> None:
    for kind, stays in (("auto", False), ("always", True)):
        backend.program.overlay_mode = kind
        hosts: list[str] = []
        main_ui = alone(backend, host_available=lambda hosts=hosts: bool(hosts))  # type: ignore[misc]
        assert main_ui.overlay is not None
        assert main_ui.overlay.isVisible()
        hosts.append("a panel")
        main_ui.tray.refreshed.emit()
        assert main_ui.overlay.isVisible() is stays
        main_ui.stop()


def test_a_gnome_with_no_tray_is_advised_once_what_to_install(qtbot: QtBot, backend: FakeBackend) -> None:
    advice: list[str] = []
    main_ui = MainUi(backend, EventBridge(), environment={"XDG_CURRENT_DESKTOP": "ubuntu:GNOME"})
    main_ui.advised.connect(advice.append)
    main_ui.start()
    miss_tray(main_ui)
    assert "gnome-shell-extension-appindicator" in advice[0]
    assert advice[0] in words_of(main_ui)
    next(
        one for one in window_of(main_ui).findChildren(QPushButton) if one.text() == "Dismiss" and one.isVisible()
    ).click()
    assert advice[0] not in words_of(main_ui)
    main_ui.stop()
    for desktop in ("ubuntu:GNOME", "KDE"):
        again = alone(backend, desktop=desktop)
        again.show_window()
        assert "AppIndicator" not in words_of(again)
        again.stop()


def words_of(main_ui: MainUi) -> str:
    return "\n".join(one.text() for one in window_of(main_ui).findChildren(SafeLabel) if one.isVisible())


def test_the_assistant_is_made_when_it_is_wanted_and_let_go_when_it_is_closed(
    qtbot: QtBot, backend: FakeBackend
) -> None:
    bridge = EventBridge()
    main_ui = MainUi(backend, bridge, setup_requested=True)
    main_ui.start()
    assert main_ui.setup_assistant is not None
    assistant = main_ui.setup_assistant
    with qtbot.waitSignal(assistant.destroyed):
        assistant.close()
    assert main_ui.setup_assistant is None
    entry_of(main_ui, "Set up reach…").trigger()
    assert main_ui.setup_assistant is not None
    bridge.put([events.TestReceived(NOON)])
    qtbot.waitUntil(
        lambda: any("Test came in" in one.text() for one in main_ui.setup_assistant.findChildren(SafeLabel))
    )
    main_ui.stop()


def test_gaps_are_shown_from_the_tray_and_read_anew(qtbot: QtBot, backend: FakeBackend, main_ui: MainUi) -> None:
    backend.incidents.kept_gaps = [
        Gap(id=2, cause=GapCause.BLIND, began_at=NOON - HOUR, why=HOSTILE),
        Gap(id=1, cause=GapCause.ASLEEP, began_at=NOON - 9 * HOUR, ended_at=NOON - 2 * HOUR),
    ]
    entry_of(main_ui, "Gaps…").trigger()
    assert main_ui.gaps is not None
    assert not main_ui.gaps.windowIcon().isNull()
    assert main_ui.gaps is not None
    table = main_ui.gaps.findChildren(QTableWidget)[0]
    rows = [[table.model().index(row, column).data() for column in range(5)] for row in range(2)]
    assert [row[0] for row in rows] == ["blind", "asleep"]
    assert [row[2:4] for row in rows] == [["goes on", "1 h"], [rows[1][2], "7 h"]]
    assert "\u202e" not in rows[0][4]
    for gaps, words in (([], "There was none"), (None, "cannot be read")):
        backend.incidents.kept_gaps, backend.incidents.readable = gaps or [], gaps is not None
        main_ui.show_gaps()
        assert any(words in one.text() for one in main_ui.gaps.findChildren(SafeLabel))


def test_autostart_is_set_in_the_tray_and_a_failure_is_reported(
    qtbot: QtBot, backend: FakeBackend, main_ui: MainUi
) -> None:
    entry_of(main_ui, "Start with the session").trigger()
    assert backend.setup.autostart is True
    backend.setup.autostart_problem = "The folder is read-only."
    entry_of(main_ui, "Start with the session").trigger()
    assert entry_of(main_ui, "Start with the session").isChecked()
    assert "The folder is read-only." in words_of(main_ui)


def entry_of(main_ui: MainUi, words: str) -> QAction:
    return next(one for one in main_ui.tray.menu.actions() if one.text() == words)
