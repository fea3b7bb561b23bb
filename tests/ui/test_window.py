from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QPushButton, QTableWidget
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOSTILE, HOUR, MINUTE, NOON, FakeBackend, FakeIncidents, FakeProgram, stored, varied
from trayalert.domain.events import UrlChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.reachability import Reachability
from trayalert.domain.wording.language import Language
from trayalert.ui.incidents.incident_details import IncidentDetails
from trayalert.ui.incidents.incident_table import IncidentTable
from trayalert.ui.incidents.incidents_model import IncidentsModel
from trayalert.ui.widgets.safe_text import SafeLabel, SafeParagraph
from trayalert.ui.window import Window


@pytest.fixture
def backend() -> FakeBackend:
    backend = FakeBackend(program=FakeProgram(clock=NOON + HOUR, last_callback_at=NOON))
    backend.incidents.keep(*varied(NOON + HOUR))
    return backend


class Seen:
    """A visible window, and methods that find and use its widgets."""

    def __init__(self, qtbot: QtBot, backend: FakeBackend, *, tray: bool = True) -> None:
        self.window = Window(backend, may_hide=lambda: tray)
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.bring_up()
        self.table = self.window.findChildren(IncidentTable)[0]
        self.details = self.window.findChildren(IncidentDetails)[0]

    def button(self, start: str) -> QPushButton:
        return next(one for one in self.window.findChildren(QPushButton) if one.text().startswith(start))

    def buttons(self, words: str) -> list[QPushButton]:
        return [one for one in self.window.findChildren(QPushButton) if one.text() == words]

    def words(self) -> str:
        labels = [one.text() for one in self.window.findChildren(SafeLabel) if one.isVisible()]
        paragraphs = [one.toPlainText() for one in self.window.findChildren(SafeParagraph) if one.isVisible()]
        return "\n".join(labels + paragraphs)

    def announce(self, qtbot: QtBot, ids: Iterable[int]) -> None:
        model = self.table.model()
        assert isinstance(model, IncidentsModel)
        self.window.incidents.queue_changes(ids)
        qtbot.waitUntil(lambda: model.settled)

    def select(self, number: int) -> None:
        self.window.bring_up(number)


@pytest.fixture
def seen(qtbot: QtBot, backend: FakeBackend) -> Iterator[Seen]:
    seen = Seen(qtbot, backend)
    yield seen
    seen.window.hide()


def rows_of(seen: Seen, *, columns: int) -> list[list[str]]:
    table = next(one for one in seen.details.findChildren(QTableWidget) if one.columnCount() == columns)
    model = table.model()
    return [[model.index(row, column).data() for column in range(columns)] for row in range(model.rowCount())]


def shown_id(seen: Seen) -> int | None:
    return seen.details.shown.incident.id if seen.details.shown else None


def test_the_status_line_says_what_fires_and_what_is_known(seen: Seen) -> None:
    assert "8 open, worst CRITICAL" in seen.words()
    assert "Last callback 1 h ago · Reach unknown" in seen.words()


def test_the_newest_trouble_is_selected_at_first(seen: Seen) -> None:
    assert shown_id(seen) == 1


def test_enter_and_double_click_open_the_console(qtbot: QtBot, backend: FakeBackend, seen: Seen) -> None:
    seen.select(3)
    QTest.keyClick(seen.table, Qt.Key.Key_Return)
    assert backend.actions.opened_urls == ["https://ecs.console.aliyun.com/server/rm-bp1q/detail"]
    place = seen.table.visualRect(seen.table.model().index(2, 3)).center()
    viewport = seen.table.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert backend.actions.opened_urls[1:] == ["https://ecs.console.aliyun.com/server/api-5d1f/detail"]


def test_a_browser_that_cannot_be_opened_is_reported_and_the_link_copied(backend: FakeBackend, seen: Seen) -> None:
    backend.actions.browser_works = False
    seen.select(3)
    seen.button("Open in console").click()
    assert "The browser could not be opened" in seen.words()
    assert QGuiApplication.clipboard().text() == "https://ecs.console.aliyun.com/server/rm-bp1q/detail"


def test_no_link_is_said(backend: FakeBackend, seen: Seen) -> None:
    seen.select(7)
    assert not seen.button("Open in console").isEnabled()
    assert not seen.button("Copy link").isEnabled()
    assert "No console link is known" in seen.words()
    seen.select(1)
    assert seen.button("Open in console").isEnabled()
    assert "No console link is known" not in seen.words()


def test_marking_recovered_takes_two_clicks_and_only_works_on_open_ones(
    qtbot: QtBot, backend: FakeBackend, seen: Seen
) -> None:
    seen.select(3)
    seen.button("Mark recovered").click()
    assert backend.actions.resolved == []
    qtbot.waitUntil(lambda: seen.details.confirmable)
    seen.button("Sure?").click()
    assert backend.actions.resolved == [3]
    seen.window.incidents.queue_changes([3])
    assert shown_id(seen) == 3
    assert not seen.button("Mark recovered").isEnabled()
    assert "recovered by hand" in seen.words()


def test_a_double_click_is_only_the_first_of_two_clicks(backend: FakeBackend, seen: Seen) -> None:
    seen.select(3)
    button = seen.button("Mark recovered")
    clicks: list[str] = []
    button.clicked.connect(lambda: clicks.append("click"))
    for click in (QTest.mouseClick, QTest.mouseClick, QTest.mouseDClick):
        click(button, Qt.MouseButton.LeftButton)
    assert len(clicks) > 1
    assert backend.actions.resolved == []
    assert button.text() == "Sure? Click again"


def test_a_mark_that_failed_is_said_until_it_is_dismissed(backend: FakeBackend, seen: Seen) -> None:
    seen.window.status.show_problem("The incident could not be marked recovered: the disk is full.")
    seen.window.refresh()
    assert "could not be marked recovered: the disk is full." in seen.words()
    next(button for button in seen.buttons("Dismiss") if button.isVisible()).click()
    assert "could not be marked" not in seen.words()


def test_news_are_said_until_they_are_dismissed_and_problems_as_long_as_they_last(
    backend: FakeBackend, seen: Seen
) -> None:
    backend.program.news, backend.program.problems = (
        ("1,982 of 2,001 callbacks were salvaged.",),
        ("The disk is full.",),
    )
    seen.window.refresh()
    assert "⚠ The disk is full." in seen.words()
    assert "ⓘ 1,982 of 2,001 callbacks were salvaged." in seen.words()
    (dismiss,) = [button for button in seen.buttons("Dismiss") if button.isVisible()]
    dismiss.click()
    assert "salvaged" not in seen.words()
    assert "The disk is full." in seen.words()


def test_who_probes_is_said_beside_the_facts(backend: FakeBackend, seen: Seen) -> None:
    backend.program.secret_guesses = (
        "Someone is probing: 12 requests with a wrong secret, the last 14:02 from 203.0.113.7"
    )
    seen.window.refresh()
    assert f"Reach unknown · {backend.program.secret_guesses}" in seen.words()


def test_each_alert_says_where_it_came_from(seen: Seen) -> None:
    seen.select(2)
    assert [row[3] for row in rows_of(seen, columns=4)] == ["Cloud Monitor (106.11.34.5)"]
    assert "from Cloud Monitor (106.11.34.5)" in seen.words()
    seen.select(1)
    assert rows_of(seen, columns=4)[0][3] == ""


def test_with_the_log_unreadable_an_empty_window_is_not_calm(qtbot: QtBot) -> None:
    program = FakeProgram(uncertainty="the log cannot be read", problems=("The log x.db cannot be read.",))
    seen = Seen(qtbot, FakeBackend(incidents=FakeIncidents(readable=False), program=program))
    assert "No incident is open" not in seen.words()
    assert seen.words().count("Unknown what is open: the log cannot be read") == 2


def test_another_log_is_read_anew_and_its_first_incident_selected(
    qtbot: QtBot, backend: FakeBackend, seen: Seen
) -> None:
    seen.select(3)
    backend.incidents.kept.clear()
    backend.incidents.keep(stored(77), stored(78, closed_at=NOON + HOUR))
    seen.window.incidents.reload()
    assert seen.table.model().rowCount() == 2
    assert shown_id(seen) == 77


def test_another_incident_does_not_inherit_the_first_click(backend: FakeBackend, seen: Seen) -> None:
    seen.select(3)
    seen.button("Mark recovered").click()
    seen.select(2)
    seen.button("Mark recovered").click()
    assert backend.actions.resolved == []


def test_details_name_all_that_is_known_in_plain_text(seen: Seen) -> None:
    seen.select(6)
    text = seen.words()
    for part in (
        '<img src="file:///etc/passwd">',
        "a & b <script>",
        "i-bp1aaaaaaaaaaaaaaaaa",
        "Average ≥ 90 %",
        "cn-hangzhou",
    ):
        assert part in text
    assert "\u202e" not in text
    fields = rows_of(seen, columns=2)
    cells = {row[0]: row[1] for row in fields}
    assert cells["alertName"].startswith("<img")
    assert "\u202e" not in cells["alertName"]


def test_part_address_and_message_are_among_the_facts(qtbot: QtBot, backend: FakeBackend) -> None:
    one = backend.incidents.kept[1]
    dimensions = {**one.alert.alert.dimensions, "device": "/dev/vda1"}
    alert = replace(one.alert.alert, address="10.0.0.22", message="nearly full\n9 % left", dimensions=dimensions)
    backend.incidents.keep(replace(one, alert=replace(one.alert, alert=alert)))
    backend.program.language = Language.ZH
    seen = Seen(qtbot, backend)
    try:
        facts = seen.words().split("\n")
        assert {
            Language.ZH.say("Part"),
            "磁盘 /dev/vda1",
            Language.ZH.say("Address"),
            "10.0.0.22",
            Language.ZH.say("Message"),
            "nearly full",
            "9 % left",
            "3 分钟",
        } <= set(facts)
        assert "平均值 ≥ 90 %" in facts
        assert seen.table.model().index(0, 4).data() == "web-01 · /dev/vda1"
        assert seen.table.model().index(0, 0).data() == "严重"
        assert rows_of(seen, columns=4)[0][1:3] == ["严重", "97.4 %"]
    finally:
        seen.window.hide()


def test_the_latest_50_alerts_are_listed(seen: Seen) -> None:
    seen.select(8)
    assert len(rows_of(seen, columns=4)) == 50


def test_a_change_of_the_selected_incident_shows_at_once(backend: FakeBackend, seen: Seen) -> None:
    seen.select(2)
    seen.window.incidents.queue_changes([backend.incidents.change(2, closed_at=NOON + HOUR + MINUTE)])
    assert shown_id(seen) == 2
    assert "recovered" in seen.words()


def test_place_and_selection_survive_a_flood_above(qtbot: QtBot, backend: FakeBackend, seen: Seen) -> None:
    backend.incidents.keep(*(stored(n, opened_at=NOON - n * MINUTE) for n in range(100, 400)))
    seen.announce(qtbot, range(100, 400))
    seen.select(300)
    bar = seen.table.verticalScrollBar()
    top = seen.table.indexAt(QPoint(1, 1)).data(), bar.value()
    row = seen.table.currentIndex().row() - bar.value()
    backend.incidents.keep(*(stored(n, opened_at=NOON + 2 * HOUR + n) for n in range(1000, 1200)))
    seen.announce(qtbot, range(1000, 1200))
    assert (seen.table.indexAt(QPoint(1, 1)).data(), bar.value()) == (top[0], top[1] + 200)
    assert seen.table.currentIndex().row() - bar.value() == row
    assert shown_id(seen) == 300


def test_new_trouble_is_seen_while_the_table_is_at_its_top(backend: FakeBackend, seen: Seen) -> None:
    backend.incidents.keep(*(stored(n, opened_at=NOON + 2 * HOUR + n) for n in range(1000, 1200)))
    seen.window.incidents.queue_changes(range(1000, 1200))
    assert seen.table.verticalScrollBar().value() == 0


def test_selected_rows_are_copied_as_text(qtbot: QtBot, seen: Seen) -> None:
    seen.select(1)
    QTest.keyClick(seen.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(seen.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = [line.split("\t") for line in QGuiApplication.clipboard().text().split("\n")]
    assert [(line[0], line[3]) for line in lines] == [("CRITICAL", "内存使用率"), ("CRITICAL", "Redis 内存 (no link)")]


def test_open_only_hides_what_is_closed(seen: Seen) -> None:
    box = seen.window.findChildren(QCheckBox)[0]
    assert seen.table.model().rowCount() == 15
    box.click()
    assert seen.table.model().rowCount() == 8
    box.click()
    assert seen.table.model().rowCount() == 15


@pytest.mark.parametrize(
    ("reach", "last", "words"),
    [
        (Reachability.UNKNOWN, None, "A sample comes with `trayalert send`"),
        (Reachability.UNKNOWN, NOON, "That does not mean that all is well: reach is unknown"),
        (Reachability.BLIND, None, "trayalert is blind, no callback can arrive. The port is taken."),
        (Reachability.REACHABLE, NOON, "No incident is open.\nCallbacks get through (checked"),
    ],
)
def test_an_empty_table_says_what_is_known(qtbot: QtBot, reach: Reachability, last: int | None, words: str) -> None:
    trouble = ("The port is taken.",) if reach is Reachability.BLIND else ()
    backend = FakeBackend(program=FakeProgram(last_callback_at=last, problems=trouble))
    backend.program.set_reachability(reach)
    seen = Seen(qtbot, backend)
    assert words in seen.words()


def test_a_log_that_stores_nothing_is_never_called_calm(qtbot: QtBot) -> None:
    program = FakeProgram(storing=False, problems=("the disk is full.",), last_callback_at=NOON)
    seen = Seen(qtbot, FakeBackend(program=program))
    assert "That means nothing: callbacks are refused. The disk is full." in seen.words()
    assert "Blind: callbacks are refused, as they cannot be stored" in seen.words()
    assert "⚠ The disk is full." in seen.words()


def test_escape_hides_the_window_while_a_tray_is_there(qtbot: QtBot, seen: Seen) -> None:
    QTest.keyClick(seen.table, Qt.Key.Key_Escape)
    assert not seen.window.isVisible()


def test_without_a_tray_closing_only_minimises(qtbot: QtBot, backend: FakeBackend) -> None:
    seen = Seen(qtbot, backend, tray=False)
    seen.window.close()
    assert seen.window.isVisible()
    assert seen.window.isMinimized()


def test_the_ticker_rests_while_nobody_looks(qtbot: QtBot, seen: Seen) -> None:
    assert seen.window.ticking
    seen.window.showMinimized()
    qtbot.waitUntil(lambda: not seen.window.ticking)
    seen.window.bring_up()
    qtbot.waitUntil(lambda: seen.window.ticking)
    seen.window.close()
    assert not seen.window.ticking


def test_tab_goes_from_the_table_to_the_buttons(qtbot: QtBot, seen: Seen) -> None:
    seen.table.setFocus()
    QTest.keyClick(seen.table, Qt.Key.Key_Tab)
    assert seen.window.focusWidget() is seen.button("Open in console")


@pytest.mark.parametrize("hostile", [HOSTILE, "<table><tr><td>" * 50, "a" * 5000, ""])
def test_hostile_text_neither_widens_nor_stops_the_window(qtbot: QtBot, hostile: str) -> None:
    backend = FakeBackend(program=FakeProgram(problems=(hostile,)))
    backend.incidents.keep(
        stored(1, name=hostile, resource_id=hostile, resource_name=hostile, region=hostile, unit=hostile)
    )
    seen = Seen(qtbot, backend)
    assert seen.window.minimumSizeHint().width() < 1000


def test_a_changed_address_is_shouted_until_it_is_accepted(backend: FakeBackend, seen: Seen) -> None:
    backend.program.url_changed = UrlChanged("https://one.example.com", "https://two.example.com")
    seen.window.refresh()
    assert "the rules in the console lead nowhere" in seen.words()
    assert "Before: https://one.example.com\nNow: https://two.example.com" in seen.words()
    seen.button("&Copy new callback URL").click()
    assert QGuiApplication.clipboard().text() == backend.setup.callback_url()
    seen.button("The rules are chan&ged").click()
    assert "lead nowhere" not in seen.words()


def test_reach_is_checked_on_request_and_the_answer_is_said(backend: FakeBackend, seen: Seen) -> None:
    menu = seen.button("&Reach").menu()
    actions = {one.text(): one for one in menu.actions()}
    seen.window.show_probe_result()
    actions["Check &now"].trigger()
    assert backend.setup.probes == 1
    assert "Checking…" in seen.words()
    backend.program.set_reachability(Reachability.REACHABLE)
    seen.window.show_probe_result()
    assert "Callbacks get through (checked" in seen.words()


def test_the_last_gap_that_ended_within_a_day_is_shown(backend: FakeBackend, seen: Seen) -> None:
    backend.incidents.kept_gaps = [
        Gap(id=2, cause=GapCause.BLIND, began_at=NOON),
        Gap(id=1, cause=GapCause.ASLEEP, began_at=NOON - 9 * HOUR, ended_at=NOON - 2 * HOUR),
    ]
    seen.window.refresh()
    assert "· Gap: asleep " in seen.words()
    backend.incidents.kept_gaps = [replace(backend.incidents.kept_gaps[1], ended_at=NOON - 24 * HOUR)]
    seen.window.refresh()
    assert "Gap:" not in seen.words()


def test_the_fields_of_a_callback_that_is_too_large_are_said_to_be_elsewhere(qtbot: QtBot) -> None:
    backend = FakeBackend(program=FakeProgram(clock=NOON + HOUR, last_callback_at=NOON))
    one = stored(1)
    backend.incidents.keep(
        replace(one, alert=replace(one.alert, too_large=True, alert=replace(one.alert.alert, fields={})))
    )
    seen = Seen(qtbot, backend)
    seen.select(1)

    ((_, shown),) = rows_of(seen, columns=2)
    assert shown == "The callback is larger than 64 KiB: `trayalert alerts --json --raw` has all of it"
    seen.window.hide()


def test_a_value_that_was_sent_again_is_shown_in_the_open_window(qtbot: QtBot) -> None:
    backend = FakeBackend(program=FakeProgram(clock=NOON + HOUR, last_callback_at=NOON))
    backend.incidents.keep(stored(1, value=90.0, value_text="90"))
    seen = Seen(qtbot, backend)
    seen.select(1)
    backend.incidents.keep(stored(1, value=97.0, value_text="97"))
    seen.announce(qtbot, [1])

    model = seen.table.model()
    assert any(str(model.index(0, column).data()).startswith("97") for column in range(model.columnCount()))
    assert "97 %" in seen.words()
    seen.window.hide()
