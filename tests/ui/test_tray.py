from collections.abc import Iterator

import pytest
from PySide6.QtGui import QAction, QGuiApplication, QIcon
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOSTILE, HOUR, MINUTE, NOON, FakeBackend, FakeProgram, stored
from trayalert.domain.events import UrlChanged
from trayalert.domain.incident.level import Level
from trayalert.domain.reachability import Reachability
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.ui.tray import PAUSE_MS, Tray, TrayTiming
from trayalert.ui.wording import local_time


class CountingTray(Tray):
    """A tray that records its pictures, and whose host is present while `host` is true."""

    host = True

    def __init__(self, backend: FakeBackend, **timing: int) -> None:
        super().__init__(backend, timing=TrayTiming(**timing), host_available=lambda: self.host)
        self.pictures: list[QIcon] = []
        put = self.icon.setIcon

        def count(icon: QIcon) -> None:
            self.pictures.append(icon)
            put(icon)

        self.icon.setIcon = count  # type: ignore[method-assign,assignment]


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend(program=FakeProgram(last_callback_at=NOON - 3 * MINUTE))


@pytest.fixture
def tray(qtbot: QtBot, backend: FakeBackend) -> Iterator[CountingTray]:
    tray = CountingTray(backend)
    yield tray
    tray.stop()


def entries(tray: Tray) -> list[QAction]:
    menu = tray.icon.contextMenu()
    return [entry for entry in menu.actions() if entry.isVisible() and not entry.isSeparator()]


def words(tray: Tray) -> list[str]:
    return [entry.text() for entry in entries(tray)]


def entry(tray: Tray, start: str) -> QAction:
    return next(entry for entry in entries(tray) if entry.text().startswith(start))


def settle(qtbot: QtBot, tray: Tray) -> None:
    """Wait until the pause after the last update is over."""
    qtbot.waitUntil(lambda: tray.settled)


def test_the_picture_changes_only_when_the_look_changes(qtbot: QtBot, backend: FakeBackend, tray: CountingTray) -> None:
    tray.start()
    for _ in range(3):
        backend.program.last_callback_at = (backend.program.last_callback_at or 0) + 1
        tray.refresh()
        settle(qtbot, tray)
    assert len(tray.pictures) == 1
    backend.incidents.keep(stored(1))
    tray.refresh()
    settle(qtbot, tray)
    assert len(tray.pictures) == 2


def test_a_flood_touches_the_tray_at_most_4_times_a_second_and_ends_up_to_date(
    qtbot: QtBot, backend: FakeBackend, tray: CountingTray
) -> None:
    tray.start()
    for number in range(1, 9):
        backend.incidents.keep(stored(number))
        tray.refresh()
    assert len(tray.pictures) == 1
    settle(qtbot, tray)
    assert len(tray.pictures) == 2
    assert tray.icon.toolTip().startswith("trayalert: 8 open, worst CRITICAL")


def test_calm_says_what_is_not_known(backend: FakeBackend, tray: CountingTray) -> None:
    backend.program.last_callback_at = None
    tray.start()
    assert tray.icon.toolTip().split("\n") == [
        "trayalert: No incident is open",
        "No callback has ever arrived",
        "Reach unknown",
    ]
    assert words(tray) == [
        "No incident is open",
        "No callback has ever arrived",
        "Reach unknown",
        "Open trayalert",
        "Copy callback URL",
        "Set up reach…",
        "Gaps…",
        "Pause notifications for 1 hour",
        "Start with the session",
        "Language",
        "Help",
        "Quit",
    ]


def test_the_menu_shows_the_worst_six_and_how_many_more(backend: FakeBackend, tray: CountingTray) -> None:
    backend.incidents.keep(
        stored(1, level=Level.INFO), *(stored(n, level=Level.WARN) for n in range(2, 9)), stored(9, name="x_y & z")
    )
    backend.program.problems = ("The port is taken.",)
    backend.program.set_reachability(Reachability.BLIND, since=NOON - 3 * HOUR)
    tray.start()
    shown = words(tray)
    blind = f"Blind since {local_time(NOON - 3 * HOUR, now=NOON)}"
    assert shown[0] == f"9 open, worst CRITICAL; {blind.lower()}"
    assert shown[1].startswith("CRITICAL · x")
    assert [line.split()[0] for line in shown[2:7]] == ["WARN"] * 5
    assert shown[7:11] == [
        "3 more…",
        "Last callback 3 min ago",
        f"{blind}: no callback can arrive",
        "The port is taken.",
    ]


def test_hostile_names_are_cleaned_and_cut(backend: FakeBackend, tray: CountingTray) -> None:
    backend.incidents.keep(stored(1, name=HOSTILE * 9, resource_name=HOSTILE * 9))
    tray.start()
    assert len(words(tray)[1]) < 100
    assert "\u202e" not in words(tray)[1]


def test_an_unchanged_entry_is_not_sent_again(qtbot: QtBot, backend: FakeBackend, tray: CountingTray) -> None:
    backend.incidents.keep(*(stored(number) for number in range(1, 9)))
    tray.start()
    changes: list[str] = []
    for one in tray.icon.contextMenu().actions():
        one.changed.connect(lambda one=one: changes.append(one.text()))
    settle(qtbot, tray)
    tray.refresh()
    assert changes == []
    settle(qtbot, tray)
    backend.program.clock += MINUTE
    tray.refresh()
    assert changes == ["Last callback 4 min ago"]


def test_an_incident_in_the_menu_is_chosen(qtbot: QtBot, backend: FakeBackend, tray: CountingTray) -> None:
    backend.incidents.keep(stored(1, level=Level.WARN), stored(2))
    tray.start()
    with qtbot.waitSignal(tray.console_requested) as chosen:
        entry(tray, "WARN").trigger()
    assert chosen.args == [backend.incidents.kept[1]]


def test_notifications_are_paused_for_an_hour_and_resumed(
    qtbot: QtBot, backend: FakeBackend, tray: CountingTray
) -> None:
    tray.start()
    entry(tray, "Pause notifications for 1 hour").trigger()
    assert backend.program.paused_until == NOON + PAUSE_MS
    assert "Notifications paused until" in tray.icon.toolTip()
    backend.program.clock += HOUR
    settle(qtbot, tray)
    tray.refresh()
    assert "paused" not in tray.icon.toolTip()
    entry(tray, "Pause").trigger()
    entry(tray, "Resume notifications (paused until").trigger()
    assert backend.program.paused_until is None


def test_the_other_entries(qtbot: QtBot, backend: FakeBackend, tray: CountingTray) -> None:
    tray.start()
    entry(tray, "Copy callback URL").trigger()
    assert QGuiApplication.clipboard().text() == backend.setup.callback_url()
    with qtbot.waitSignal(tray.window_requested):
        entry(tray, "Open trayalert").trigger()
    entry(tray, "Quit").trigger()
    assert backend.actions.quits == 1


def test_a_missing_host_is_reported_after_its_grace_and_a_late_one_is_not(qtbot: QtBot, backend: FakeBackend) -> None:
    tray = CountingTray(backend, grace=50)
    tray.host = False
    with qtbot.waitSignal(tray.host_missing):
        tray.start()
    with qtbot.assertNotEmitted(tray.host_missing, wait=120):
        tray.check_host()
        tray.host = True
        tray.check_host()
    tray.stop()


def test_why_it_is_blind_and_how_the_tunnel_is_stands_in_menu_and_tooltip(
    backend: FakeBackend, tray: CountingTray
) -> None:
    backend.program.set_reachability(Reachability.BLIND, since=NOON - HOUR, reason="No answer in 5 s.")
    backend.program.problems = ("No answer in 5 s.", "Something else.")
    backend.program.tunnel_state = TunnelState(
        kind="ssh", phase=Phase.WAITING, why="the server is there, but its sshd is not"
    )
    tray.start()
    assert tray.icon.toolTip().count("No answer in 5 s.") == 1
    assert {
        "No answer in 5 s.",
        "Something else.",
        "Tunnel ssh: down. The server is there, but its sshd is not",
    } <= set(words(tray))


def test_a_changed_address_is_shouted_in_menu_and_tooltip_too(
    qtbot: QtBot, backend: FakeBackend, tray: CountingTray
) -> None:
    backend.program.set_reachability(Reachability.REACHABLE)
    backend.program.url_changed = UrlChanged("https://one.example.com", "https://two.example.com")
    tray.start()
    shout = "The public address has changed: the rules in the console lead nowhere."
    assert shout in tray.icon.toolTip()
    assert shout in words(tray)
    backend.setup.accept_url()
    settle(qtbot, tray)
    tray.refresh()
    assert shout not in words(tray)


def test_where_nothing_can_be_set_there_is_no_autostart(backend: FakeBackend, tray: CountingTray) -> None:
    backend.setup.autostart = None
    tray.start()
    assert "Start with the session" not in words(tray)
