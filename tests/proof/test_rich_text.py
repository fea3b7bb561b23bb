"""Hostile text and markup in every text of an alert.

No widget freezes, loads anything, or shows text other than the text that was sent.
"""

import html
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtGui import Qt as Text
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QTabWidget, QTextEdit, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from tests.soak.harness.watch import Touched, longest, watched
from tests.ui.fake_backend import HOUR, NOON, FakeBackend, FakeProgram, stored
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.notification import Notification
from trayalert.domain.text import printable
from trayalert.domain.wording.language import Language
from trayalert.services.notify.incident_messages import (
    incident_notification,
    recovered_notification,
    summary_notification,
)
from trayalert.ui.incidents.columns import COLUMNS, Column
from trayalert.ui.incidents.incidents_model import IncidentsModel
from trayalert.ui.notifications.dbus_message import Daemon, notify_arguments
from trayalert.ui.tray import Tray
from trayalert.ui.window import Window

EN = Language.EN

Step = Callable[[], object]

MOST_MS = 100
NESTED = "<table><tr><td>"
BOMBS = {
    "tables": NESTED * 20 + "end",
    "many tables": NESTED * 3_000,
    "bold": "<b>" * 9_000 + "end" + "</b>" * 9_000,
    "lists": "<ul><li>" * 2_000,
    "a picture": "<img src='file://BAIT' width=1 height=1>",
    "a picture of the network": "<img src='http://127.0.0.1:PORT/x.png'>",
    "a picture in a style": "<p style='background-image: url(file://BAIT)'>a</p>",
    "a style sheet": "<link rel=stylesheet href='http://127.0.0.1:PORT/x.css'><style>@import 'file://BAIT'</style>",
    "a huge picture": "<img src='data:image/png;base64,AAAA' width=100000 height=100000>",
    "markdown": "![x](file://BAIT) **b** [a](http://127.0.0.1:PORT/)",
    "entities": "&lt;b&gt; &amp; &#60;i&#62; &nbsp;" * 200,
    "a link": "<a href='file://BAIT'>click</a>",
    "a document": "<!DOCTYPE html><html><body>plain?</body></html>",
    "qt's own": "<qt>rich</qt>",
    "one word of 60 KB": "x" * 60_000,
    "60 KB of marks": "Z" + "\u0300" * 30_000,
    "from the right": "\u202e" + "abc" * 200 + "\u0627\u0628" * 2_000,
    "families": "👩‍👩‍👧‍👦" * 3_000,
    "format": "%s%n%1 %L2 {0} {name} ${x} $(x) `x`",
}


@pytest.fixture
def bait(tmp_path: Path) -> Iterator[Touched]:
    with watched(tmp_path) as touched:
        yield touched


def armed(text: str, bait: Touched) -> str:
    return text.replace("BAIT", str(bait.bait)).replace("PORT", str(bait.port))


def hostile(text: str, number: int = 1) -> StoredIncident:
    """Return an incident in which every text is `text`."""
    return stored(
        number, name=text, resource_id=text, resource_name=text, metric=text, metric_title=text, value=None,
        value_text=text, unit=text, region=text, namespace=text,
    )  # fmt: skip


@pytest.mark.alone
@pytest.mark.parametrize("name", BOMBS)
def test_window_and_tray_show_it_as_plain_text_at_once(qtbot: QtBot, bait: Touched, name: str) -> None:
    text = armed(BOMBS[name], bait)
    backend = FakeBackend(program=FakeProgram(clock=NOON + HOUR))
    backend.incidents.keep(stored(1, name="calm"))
    window, tray = Window(backend, may_hide=lambda: True), Tray(backend)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.bring_up(1)
    table = next(view for view in window.findChildren(QAbstractItemView) if isinstance(view.model(), IncidentsModel))
    model = table.model()
    backend.program.problems, backend.program.news = (f"It cannot be read: {text}",), (text,)
    backend.incidents.keep(hostile(text, 2))

    def take_in() -> None:
        window.incidents.queue_changes([2])
        qtbot.waitUntil(lambda: model.rowCount() == 2)

    steps: list[Step] = [take_in, partial(window.bring_up, 2), tray.refresh, window.refresh, window.refresh_texts]
    for tabs in window.findChildren(QTabWidget):
        steps += [partial(tabs.setCurrentIndex, page) for page in range(tabs.count())]
    steps += [partial(hover, view) for view in window.findChildren(QAbstractItemView)]
    slowest = longest(*(partial(shown_after, step) for step in steps))

    assert slowest < MOST_MS
    assert model.data(model.index(0, COLUMNS.index(Column.NAME)), Qt.ItemDataRole.DisplayRole) == printable(text)
    assert_plain(window)
    assert printable(text, limit=40).rstrip("…") in "\n".join(shown_texts(window))
    assert (bait.files, bait.calls) == (0, 0)


def shown_after(step: Step) -> None:
    step()
    QApplication.processEvents()


@pytest.mark.alone
@pytest.mark.parametrize(
    "fields",
    [
        {f"field {number}": "v" for number in range(30_000)},
        {f"field {number}": "Z" + "\u0300" * 2_000 for number in range(16)},
        {f"field {number}": "x\u0300\u0301\u0302" * 500 for number in range(16)},
        {f"{NESTED} {number}": NESTED * 40 for number in range(80)},
        {"word": "中" * 30_000},
    ],
    ids=["30,000 fields", "piled marks", "marks", "tables", "one text"],
)
def test_the_details_show_any_fields_at_once(qtbot: QtBot, fields: dict[str, str]) -> None:
    backend = FakeBackend(program=FakeProgram(clock=NOON + HOUR))
    backend.incidents.keep(stored(1, name="calm"))
    window = Window(backend, may_hide=lambda: True)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.bring_up(1)
    pages = window.findChildren(QTabWidget)[0]
    # showing a page for the first time loads fonts, which must not count in the measurement
    for page in range(pages.count()):
        pages.setCurrentIndex(page)
        QApplication.processEvents()
    one = stored(2)
    backend.incidents.keep(
        replace(one, alert=replace(one.alert, alert=replace(one.alert.alert, fields=fields, dimensions=fields)))
    )
    window.incidents.queue_changes([2])
    qtbot.waitUntil(lambda: len(backend.incidents.queried_ids) > 0)

    steps: list[Step] = [partial(window.bring_up, 2), partial(window.resize, 900, 700), window.refresh]
    steps += [partial(pages.setCurrentIndex, page) for page in range(pages.count())]

    assert longest(*(partial(shown_after, step) for step in steps)) < MOST_MS


def hover(view: QAbstractItemView) -> None:
    """Rest the pointer on the cells of the first row, so that their tooltips are shown."""
    model = view.model()
    for column in range(model.columnCount() if model else 0):
        place = view.visualRect(model.index(0, column)).center()
        QApplication.sendEvent(
            view.viewport(), QHelpEvent(QHelpEvent.Type.ToolTip, place, view.viewport().mapToGlobal(place))
        )
        QApplication.processEvents()
    QToolTip.hideText()


def assert_plain(window: QWidget) -> None:
    """Check every widget that guesses its text format: the widget's text must not look like markup."""
    for label in window.findChildren(QLabel):
        assert label.textFormat() is Qt.TextFormat.PlainText or not Text.mightBeRichText(label.text()), label.text()
    for widget in window.findChildren(QWidget):
        tip = widget.toolTip()
        escaped = tip.removeprefix("<qt>").removesuffix("</qt>")
        assert not Text.mightBeRichText(escaped), tip


def shown_texts(window: QWidget) -> list[str]:
    return [label.text() for label in window.findChildren(QLabel)] + [
        text.toPlainText() for text in window.findChildren(QTextEdit)
    ]


@pytest.mark.alone
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("markup", [True, False], ids=["a daemon with markup", "one without"])
def test_notifications_say_what_was_sent_and_nothing_else(bait: Touched, name: str, markup: bool) -> None:
    text = armed(BOMBS[name], bait)
    one = hostile(text)
    daemon = Daemon(capabilities=frozenset({"actions", "body", *(["body-markup"] if markup else [])}))
    notifications: list[Notification] = []

    def make() -> None:
        notifications.append(incident_notification(one, frozenset({Change.OPENED}), links=(), now=NOON, language=EN))
        notifications.append(recovered_notification(one, linked=False, language=EN))
        titles = [notification.title for notification in notifications]
        notifications.append(summary_notification(2, Level.WARN, titles, quiet=False, language=EN))

    arguments: list[list[object]] = []
    slowest = longest(
        make, lambda: arguments.extend(notify_arguments(one, daemon, replaces=0) for one in notifications)
    )

    assert slowest < MOST_MS
    assert len(arguments) == 3
    for call, notification in zip(arguments, notifications, strict=True):
        title, body = str(call[3]), str(call[4])
        assert title == printable(title, limit=10_000)
        assert not markup or "<" not in body
        shown = html.unescape(body) if markup else body
        whole = [line for line in notification.lines if line and len(line) < 80]
        assert all(printable(line) in shown or "…" in shown for line in whole[:1])
    start = printable(text, limit=25).rstrip("…")
    first = (
        html.unescape(f"{arguments[0][3]}\n{arguments[0][4]}") if markup else f"{arguments[0][3]}\n{arguments[0][4]}"
    )
    assert start[:20] in first or start[:20] in f"{arguments[0][3]}"


def test_the_proof_finds_a_widget_that_guesses(qtbot: QtBot, bait: Touched) -> None:
    outer = QWidget()
    qtbot.addWidget(outer)
    slow, loading = QLabel(NESTED * 12 + "x", outer), QLabel(armed(BOMBS["a picture"], bait), outer)

    assert longest(slow.sizeHint) > MOST_MS
    loading.grab()
    assert bait.files
    with pytest.raises(AssertionError):
        assert_plain(outer)
