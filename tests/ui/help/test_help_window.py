"""The help's window, with the pages that come with the program."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QUrl, Slot
from PySide6.QtGui import QColor, QDesktopServices, QFont, QPalette, QTextDocument, QTextFormat, QTextLayout, QTextTable
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QListWidget, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from trayalert.domain.wording.language import Language
from trayalert.resource_files import resource_path
from trayalert.services.presentation.help_pages import TOPICS, HelpPage, make_slugs, page_slugs, read_page, read_pages
from trayalert.ui.help.help_browser import HelpBrowser
from trayalert.ui.help.help_document import HelpDocument
from trayalert.ui.help.help_window import HelpWindow
from trayalert.ui.widgets.safe_text import SafeLabel

ALT, NONE, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
TITLES = {page.name: page.title for page in read_pages()}
WORD = "sEttings"


class Seen:
    """A shown window, and how to find one's way in it."""

    def __init__(self, qtbot: QtBot) -> None:
        self.window = HelpWindow(lambda: Language.EN)
        self.window.show_page("start")
        with qtbot.waitActive(self.window):
            self.window.show()
        (self.browser,) = self.window.findChildren(HelpBrowser)
        (self.topics,) = self.window.findChildren(QListWidget)
        (self.search,) = self.window.findChildren(QLineEdit)

    @property
    def message(self) -> str:
        (label,) = self.window.findChildren(SafeLabel)
        return label.text()

    @property
    def listed(self) -> list[str]:
        items = [self.topics.item(row) for row in range(self.topics.count())]
        return [item.text() for item in items if not item.isHidden()]

    @property
    def selected(self) -> tuple[str, int, str]:
        cursor = self.browser.textCursor()
        return self.window.topic, cursor.selectionStart(), cursor.selectedText()

    @property
    def focus(self) -> QWidget:
        widget = QApplication.focusWidget()
        assert widget is not None
        return widget

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        QTest.keyClick(self.focus, key, modifier)

    def type(self, text: str) -> None:
        self.press(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(self.focus, text)


@pytest.fixture
def seen(qtbot: QtBot) -> Iterator[Seen]:
    seen = Seen(qtbot)
    yield seen
    seen.window.close()


def document_of(text: str, *, pixel_ratio: float = 1, palette: QPalette | None = None) -> HelpDocument:
    return HelpDocument(HelpPage("start", "", text), QFont(), palette or QPalette(), pixel_ratio)


def image(document: QTextDocument, name: str) -> object:
    return document.resource(QTextDocument.ResourceType.ImageResource.value, QUrl(name))


# ---- pages


def test_it_lists_all_topics_and_shows_the_one_that_was_requested(seen: Seen) -> None:
    assert seen.listed == list(TITLES.values())
    assert seen.topics.currentItem().text() == TITLES["start"]
    seen.window.show_page("proof")
    assert seen.browser.toPlainText().startswith(TITLES["proof"])
    assert seen.topics.currentItem().text() == TITLES["proof"]
    assert seen.window.windowTitle() == f"{TITLES['proof']} - trayalert help"


def test_a_page_that_is_requested_again_stays_where_it_is(seen: Seen) -> None:
    seen.window.show_page("settings", page_slugs(read_page("settings"))[-1])
    place = seen.browser.textCursor().position()
    assert place > 0
    seen.window.show_page("settings")
    assert seen.browser.textCursor().position() == place
    seen.press(Qt.Key.Key_Left, ALT)
    assert seen.window.topic == "start"


@pytest.mark.parametrize("topic", TOPICS)
def test_each_heading_of_a_page_is_found_by_its_slug(qtbot: QtBot, topic: str) -> None:
    page = read_page(topic)
    document = document_of(page.text)
    found = [document.find_heading(slug) for slug in page_slugs(page)]
    assert make_slugs(block.text() for block in found if block is not None) == page_slugs(page)
    assert document.find_heading("no-such-heading") is None


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_each_image_is_as_sharp_as_the_screen(qtbot: QtBot, ratio: float) -> None:
    document = document_of("![a](../images/critical.svg)", pixel_ratio=ratio)
    for path in resource_path("help", "images").iterdir():
        found = image(document, f"../images/{path.name}")
        assert (found.width(), found.devicePixelRatio()) == (24 * ratio, ratio)  # type: ignore[attr-defined]


def test_chinese_text_has_glyphs_in_prose_and_code(qtbot: QtBot) -> None:
    document = document_of("内存使用率 `磁盘`\n\n```\n告警\n```\n")
    spans = 0
    block = document.begin()
    while block.isValid():
        for span in block.textFormats():
            layout = QTextLayout(block.text()[span.start : span.start + span.length], span.format.font())
            layout.beginLayout()
            layout.createLine()
            layout.endLayout()
            indexes = [index for run in layout.glyphRuns() for index in run.glyphIndexes()]
            assert indexes
            assert 0 not in indexes  # 0 is the box of a character that no font has
            spans += 1
        block = block.next()
    assert spans == 3


def test_a_table_has_lines_and_room_and_a_heading_is_not_huge(qtbot: QtBot) -> None:
    document = document_of("# A\n\n| a | b |\n|---|---|\n| c | d |\n")
    (table,) = document.rootFrame().childFrames()
    assert isinstance(table, QTextTable)
    assert (table.format().border(), table.format().borderCollapse()) == (1, True)
    assert table.format().cellPadding() >= 4
    (heading,) = document.begin().textFormats()
    assert heading.format.property(QTextFormat.Property.FontSizeAdjustment) == 2  # 1.5 times the text; 3 is twice


def test_html_is_shown_as_it_is_written(qtbot: QtBot) -> None:
    assert document_of('a <b>b</b> <img src="x">').toPlainText() == 'a <b>b</b> <img src="x">'


def test_the_page_follows_light_and_dark_while_it_is_open(qtbot: QtBot, seen: Seen) -> None:
    seen.window.show_page("start", page_slugs(read_page("start"))[-1])
    before, place = seen.browser.document(), seen.browser.verticalScrollBar().value()
    dark = QPalette(QColor(40, 40, 40))
    dark.setColor(QPalette.ColorRole.Link, QColor(1, 2, 3))
    seen.window.setPalette(dark)
    assert seen.browser.document() is not before
    assert seen.browser.verticalScrollBar().value() == place
    colours = set()
    block = seen.browser.document().begin()
    while block.isValid():
        colours |= {each.format.foreground().color().name() for each in block.textFormats() if each.format.isAnchor()}
        block = block.next()
    assert colours == {"#010203"}


# ---- links


class BrowserCalls(QObject):
    """Takes the addresses that Qt would hand to the desktop."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toString())


@pytest.fixture
def calls() -> Iterator[BrowserCalls]:
    calls = BrowserCalls()
    for scheme in ("http", "https", "file"):
        QDesktopServices.setUrlHandler(scheme, calls, "open")  # type: ignore[arg-type] # bytes, as its stub has it, fail
    yield calls
    for scheme in ("http", "https", "file"):
        QDesktopServices.unsetUrlHandler(scheme)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listening socket that no one may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_no_foreign_image_is_read_and_no_foreign_link_opened(
    qtbot: QtBot, tmp_path: Path, calls: BrowserCalls, server: socket.socket
) -> None:
    picture = tmp_path / "own.svg"
    picture.write_bytes(resource_path("help", "images", "critical.svg").read_bytes())
    remote = f"http://127.0.0.1:{server.getsockname()[1]}/a.svg"
    targets = [remote, picture.as_uri(), str(picture), "data:image/svg+xml,x", "../../samples/ecs-cpu"]
    document = document_of("\n\n".join(f"![i]({target}) [l]({target})" for target in targets))
    browser = HelpBrowser()
    qtbot.addWidget(browser)
    refused: list[None] = []
    followed: list[object] = []
    browser.link_refused.connect(lambda: refused.append(None))
    browser.link_followed.connect(followed.append)
    browser.show_document(document)
    with qtbot.waitActive(browser):
        browser.show()
    browser.setFocus()
    for _ in targets:
        QTest.keyClick(browser, Qt.Key.Key_Tab)
        QTest.keyClick(browser, Qt.Key.Key_Return)
    assert len(refused) == len(targets)
    assert [image(document, target) for target in targets] == [None] * len(targets)
    assert (followed, calls.opened) == ([], [])
    with pytest.raises(BlockingIOError):
        server.accept()


def test_a_link_leads_to_the_heading_of_its_page_and_back_again(seen: Seen) -> None:
    slug = page_slugs(read_page("settings"))[-1]
    seen.browser.anchorClicked.emit(QUrl(f"settings.md#{slug}"))
    assert seen.window.topic == "settings"
    assert make_slugs([seen.browser.textCursor().block().text()]) == [slug]
    seen.browser.anchorClicked.emit(QUrl("#settings"))
    assert seen.browser.textCursor().block() == seen.browser.document().begin()

    visited = []
    for modifier_key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right):
        seen.press(modifier_key, ALT)
        visited.append(seen.window.topic)
    assert visited == ["settings", "start", "start", "settings"]
    buttons = {one.accessibleName(): one for one in seen.window.findChildren(QToolButton)}
    assert buttons["Back"].isEnabled()
    assert buttons["Forward"].isEnabled()


@pytest.mark.parametrize("shown_first", [False, True])
def test_a_heading_is_scrolled_to_the_top_and_stays_there_in_a_narrower_window(qtbot: QtBot, shown_first: bool) -> None:
    document = document_of("\n\n".join(f"## Part {number}\n\n{'Some words. ' * 60}" for number in range(30)))
    browser = HelpBrowser()
    qtbot.addWidget(browser)
    browser.resize(700, 300)
    browser.show_document(document)

    def top() -> str:
        return browser.cursorForPosition(QPoint(30, 12)).block().text()

    heading = document.find_heading("part-20")
    assert heading is not None
    if shown_first:
        with qtbot.waitExposed(browser):
            browser.show()
    browser.show_block(heading)
    with qtbot.waitExposed(browser):
        browser.show()
    qtbot.waitUntil(lambda: top() == "Part 20")
    browser.resize(400, 300)
    qtbot.waitUntil(lambda: browser.document().textWidth() < 400)
    assert top() == "Part 20"


def test_a_refused_link_says_so_and_the_page_stays(seen: Seen, calls: BrowserCalls) -> None:
    seen.browser.anchorClicked.emit(QUrl("https://example.com/settings.md"))
    assert seen.message == "This link leads out of the help, and is not opened."
    assert (seen.window.topic, calls.opened) == ("start", [])


# ---- search


def expected_matches() -> list[tuple[str, int]]:
    """Return where WORD stands, as topic and position."""
    found = []
    for topic in TOPICS:
        text = document_of(read_page(topic).text).toPlainText().casefold()
        place = text.find(WORD.casefold())
        while place >= 0:
            found.append((topic, place))
            place = text.find(WORD.casefold(), place + len(WORD))
    assert len({topic for topic, _ in found}) > 1
    return found


def test_the_search_lists_the_pages_that_have_the_word_in_any_case_with_the_number_of_matches(seen: Seen) -> None:
    seen.type(WORD)
    topics = [topic for topic, _ in expected_matches()]
    assert seen.listed == [f"{TITLES[topic]} ({topics.count(topic)})" for topic in TOPICS if topic in topics]
    assert len(seen.browser.extraSelections()) == topics.count(seen.window.topic)
    seen.search.clear()
    assert seen.listed == list(TITLES.values())
    assert seen.browser.extraSelections() == []


def test_enter_and_f3_go_through_all_matches_and_on_into_the_next_page(seen: Seen) -> None:
    expected = expected_matches()
    seen.type(WORD)
    forwards = [seen.selected]
    for key in [Qt.Key.Key_Return, *[Qt.Key.Key_F3] * (len(expected) - 2)]:
        seen.press(key)
        forwards.append(seen.selected)
    assert [(topic, place) for topic, place, _ in forwards] == expected
    assert {text.casefold() for *_, text in forwards} == {WORD.casefold()}
    seen.press(Qt.Key.Key_F3)
    assert seen.selected == forwards[0]  # after the last match comes the first
    backwards = []
    for _ in expected:
        seen.press(Qt.Key.Key_F3, SHIFT)
        backwards.append(seen.selected)
    assert backwards == forwards[::-1]
    first = seen.window.topic
    seen.press(Qt.Key.Key_Left, ALT)
    assert seen.window.topic == "start" or first == "start"  # one step back leads out of the search


def test_all_words_must_be_on_the_page(qtbot: QtBot) -> None:
    document = document_of("Alpha beta, ALPHA\n\n| `gamma` | b |\n|---|---|\n| c | d |\n")
    assert [one.selectedText() for one in document.find_words(["alpha", "GAMMA"])] == ["Alpha", "ALPHA", "gamma"]
    assert document.find_words(["alpha", "delta"]) == []
    assert document.find_words([".*"]) == []
    assert document.find_words([]) == []


def test_words_that_stand_one_after_the_other_are_found_together(seen: Seen) -> None:
    title = TITLES["connection"]
    seen.type(title)
    assert seen.selected[2] == title
    assert any(one.startswith(f"{title} (") for one in seen.listed)
    seen.search.clear()
    seen.type(" ".join(reversed(title.split())))
    assert any(one.startswith(f"{title} (") for one in seen.listed)
    assert seen.selected[2] in title.split()


def test_what_is_not_found_is_said(seen: Seen) -> None:
    seen.type("qqqqq")
    assert (seen.message, seen.listed) == ("Nothing found", [])
    topic = seen.window.topic
    seen.press(Qt.Key.Key_F3)
    assert seen.window.topic == topic


# ---- the window


def test_every_control_has_a_name_and_is_reached_by_tab(seen: Seen) -> None:
    assert seen.focus is seen.browser
    reached = {seen.topics, seen.search}
    for widget in reached | {seen.browser}:
        assert widget.accessibleName()
    seen.topics.setFocus()
    order: list[QWidget] = []
    for _ in range(len(TOPICS) + 20):  # Tab also goes through the links of the page
        seen.press(Qt.Key.Key_Tab)
        order.append(seen.focus)
    assert reached <= set(order)


def test_the_arrow_keys_choose_a_topic_and_f1_changes_nothing(seen: Seen) -> None:
    seen.topics.setFocus()
    seen.press(Qt.Key.Key_Down)
    assert seen.window.topic == TOPICS[1]
    seen.press(Qt.Key.Key_F1)
    assert seen.window.topic == TOPICS[1]


def test_escape_closes_it_and_frees_it(qtbot: QtBot) -> None:
    for focus in ("browser", "topics", "search"):
        seen = Seen(qtbot)
        getattr(seen, focus).setFocus()
        with qtbot.waitSignal(seen.window.destroyed):
            seen.press(Qt.Key.Key_Escape)


def test_it_fits_the_screen_and_its_lines_are_not_too_long(qtbot: QtBot, seen: Seen) -> None:
    room = seen.window.screen().availableGeometry()
    assert seen.window.width() <= room.width()
    assert seen.window.height() <= room.height()
    seen.window.resize(3000, 500)
    qtbot.waitUntil(lambda: seen.browser.width() > 2000)
    assert seen.browser.document().textWidth() < 100 * seen.browser.fontMetrics().averageCharWidth()
