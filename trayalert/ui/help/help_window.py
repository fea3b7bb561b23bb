"""The help window: a list of topics, a page, and a search through all pages.

The window can be used with the keyboard alone. Alt+Left and Alt+Right move back and forward through the pages that were
shown. Ctrl+F moves the focus to the search field. F3 and Shift+F3 go to the next and the previous match. Escape closes
the window.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QListWidgetItem, QSplitter, QToolButton, QVBoxLayout

from trayalert.domain.phrase import N_, Phrase
from trayalert.services.presentation.help_pages import HelpLink, read_pages
from trayalert.ui.appearance import fit_to_screen
from trayalert.ui.captions import Captions, CurrentLanguage
from trayalert.ui.help.help_browser import HelpBrowser
from trayalert.ui.help.help_document import HelpDocument
from trayalert.ui.icons import TrayIconState, tray_icon
from trayalert.ui.widgets.safe_text import SafeField, SafeLabel, show_tooltip

_LIST_EDGE: Final = 12
"""Pixels to the left and right of the titles in the list of topics."""
_CHANGES_OF_LOOK: Final = frozenset(
    {QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.DevicePixelRatioChange}
)


@dataclass(slots=True)
class _HistoryEntry:
    """An entry of the history: a position in the help pages.

    `slug` is the slug of the heading at the position, or empty for the top of the page. `scroll` is the scroll bar's
    value when the user left the position, or None if the user has not left the position yet.

    If `by_search` is true, the search led to the position. The next position to which the search leads replaces this
    entry. Back therefore leads to the page that was shown before the search.
    """

    topic: str
    slug: str = ""
    scroll: int | None = None
    by_search: bool = False


class HelpWindow(QDialog):
    """The help window, which is empty before the first call of `show_page`.

    The window is not modal. When the window is closed, Qt deletes it. The pages are in English, and all other texts are
    in the current language.
    """

    def __init__(self, language: CurrentLanguage) -> None:
        super().__init__()
        self._language = language
        self._captions = Captions(language)
        self._pages = {page.name: page for page in read_pages()}
        self._documents: dict[str, HelpDocument] = {}
        self._history: list[_HistoryEntry] = []
        self._position = -1
        self._matches: dict[str, list[QTextCursor]] = {}
        self._match = -1
        self.setWindowIcon(tray_icon(TrayIconState()))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._browser = HelpBrowser()
        self._captions.bind(self._browser.setAccessibleName, N_("Page"))
        self._topics = QListWidget()
        self._captions.bind(self._topics.setAccessibleName, N_("Topics"))
        self._topics.setSpacing(2)
        self._topics.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._search = SafeField()
        self._captions.bind(self._search.setAccessibleName, N_("Search the help"))
        self._captions.bind(self._search.setPlaceholderText, N_("Search all pages (Ctrl+F)"))
        self._search.setClearButtonEnabled(True)
        self._message = SafeLabel()
        self._shown_message = ""
        self._back = _arrow_button(Qt.ArrowType.LeftArrow, self.go_back)
        self._captions.bind(self._back.setAccessibleName, N_("Back"))
        self._captions.bind(partial(show_tooltip, self._back), N_("Back (Alt+Left)"))
        self._forward = _arrow_button(Qt.ArrowType.RightArrow, self.go_forward)
        self._captions.bind(self._forward.setAccessibleName, N_("Forward"))
        self._captions.bind(partial(show_tooltip, self._forward), N_("Forward (Alt+Right)"))
        for page in self._pages.values():
            item = QListWidgetItem(page.title)
            item.setData(Qt.ItemDataRole.UserRole, page.name)
            self._topics.addItem(item)
        self._lay_out()
        self._connect()

    @property
    def topic(self) -> str:
        """The topic of the page that is shown."""
        return self._history[self._position].topic

    def show_page(self, topic: str, slug: str = "") -> None:
        """Show a page, scrolled to the heading with the given slug, or to the top if `slug` is empty.

        If the page is already shown and `slug` is empty, the scroll position does not change. Raise KeyError if the
        topic is unknown.
        """
        if slug or not self._history or topic != self.topic:
            self._go_to(_HistoryEntry(self._pages[topic].name, slug))

    def retranslate(self) -> None:
        """Show all texts except the pages in the current language."""
        self._captions.retranslate()
        self._show_message(self._shown_message)
        if self._history:
            self._show_title()

    def go_back(self) -> None:
        """Show the previous entry of the history, at its former scroll position."""
        self._move_in_history(-1)

    def go_forward(self) -> None:
        """Show the next entry of the history, at its former scroll position."""
        self._move_in_history(1)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        for widget in (self._back, self._forward, self._search, self._message):
            top.addWidget(widget, 1 if widget is self._search else 0)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self._topics)
        splitter.addWidget(self._browser)
        splitter.setStretchFactor(1, 1)
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(splitter, 1)
        fit_to_screen(self, 960, 680)
        titles, count = self._topics.sizeHintForColumn(0), self.fontMetrics().horizontalAdvance(" (99)")
        splitter.setSizes([titles + count + _LIST_EDGE, self.width() - titles - count - _LIST_EDGE])
        self._browser.setFocus()

    def _connect(self) -> None:
        self._topics.currentItemChanged.connect(self._on_topic_chosen)
        self._browser.link_followed.connect(self._follow)
        self._browser.link_refused.connect(
            lambda: self._show_message(Phrase("This link leads out of the help, and is not opened."))
        )
        self._search.textChanged.connect(self._on_search_changed)
        self._search.returnPressed.connect(lambda: self._go_to_match(1))
        for keys, action in {
            "Alt+Left": self.go_back,
            "Alt+Right": self.go_forward,
            "Ctrl+F": self._start_search,
            "F3": lambda: self._go_to_match(1),
            "Shift+F3": lambda: self._go_to_match(-1),
        }.items():
            QShortcut(QKeySequence(keys), self).activated.connect(action)

    # pages

    def _document(self, topic: str) -> HelpDocument:
        if topic not in self._documents:
            self._documents[topic] = HelpDocument(
                self._pages[topic], self._browser.font(), self.palette(), self.devicePixelRatioF(), self
            )
        return self._documents[topic]

    def _go_to(self, entry: _HistoryEntry) -> None:
        """Show the position of `entry`, and insert `entry` into the history after the current entry.

        All later entries are removed. If the search led to the current entry and to `entry`, `entry` replaces the
        current entry.
        """
        self._leave()
        kept = self._position + 1
        if entry.by_search and self._history and self._history[self._position].by_search:
            kept -= 1  # otherwise Back would pass through all matches
        self._history[kept:] = [entry]
        self._position = kept
        self._show_entry()

    def _move_in_history(self, step: int) -> None:
        if 0 <= self._position + step < len(self._history):
            self._leave()
            self._position += step
            self._show_entry()

    def _leave(self) -> None:
        if self._history:
            self._history[self._position].scroll = self._browser.verticalScrollBar().value()

    def _show_entry(self) -> None:
        entry = self._history[self._position]
        document = self._document(entry.topic)
        if self._browser.document() is not document:
            self._browser.show_document(document)
        heading = document.find_heading(entry.slug) if entry.slug else document.begin()
        if entry.scroll is not None:
            self._browser.verticalScrollBar().setValue(entry.scroll)
        elif heading is not None:
            self._browser.show_block(heading)
        self._match = -1
        self._mark()
        self._show_topic(entry.topic)
        self._back.setEnabled(self._position > 0)
        self._forward.setEnabled(self._position + 1 < len(self._history))
        self._show_title()

    def _show_title(self) -> None:
        title = self._pages[self.topic].title
        self.setWindowTitle(self._language().say("{title} - trayalert help", title=title))

    def _show_topic(self, topic: str) -> None:
        self._topics.blockSignals(True)
        self._topics.setCurrentItem(next(item for item in self._items() if _topic_of(item) == topic))
        self._topics.blockSignals(False)

    def _items(self) -> list[QListWidgetItem]:
        return [self._topics.item(row) for row in range(self._topics.count())]

    def _on_topic_chosen(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self._go_to(_HistoryEntry(_topic_of(item)))

    def _follow(self, link: HelpLink) -> None:
        self._go_to(_HistoryEntry(link.topic or self.topic, link.slug))

    # search

    def _start_search(self) -> None:
        self._search.setFocus()
        self._search.selectAll()

    def _on_search_changed(self) -> None:
        """Find and list the pages that match the search text, and go to the first match.

        A page matches if it contains the whole search text. If no page contains the whole text, a page matches if it
        contains all words of the text.
        """
        self._find()
        self._match = -1
        self._go_to_match(1)

    def _find(self) -> None:
        words = self._search.text().split()
        self._matches = self._find_words([" ".join(words)]) or self._find_words(words)
        for item in self._items():
            topic = _topic_of(item)
            title, count = self._pages[topic].title, len(self._matches.get(topic, ()))
            item.setData(Qt.ItemDataRole.DisplayRole, f"{title} ({count})" if count else title)
            item.setHidden(bool(words) and not count)

    def _find_words(self, words: list[str]) -> dict[str, list[QTextCursor]]:
        found = {topic: self._document(topic).find_words(words) for topic in self._pages}
        return {topic: matches for topic, matches in found.items() if matches}

    def _go_to_match(self, step: int) -> None:
        """Go to the next match if `step` is 1, or to the previous match if `step` is -1.

        The match may be on another page.
        """
        places = [(topic, number) for topic, found in self._matches.items() for number in range(len(found))]
        here = (self.topic, self._match)
        if not places:
            self._mark()
            return
        if here in places:
            topic, number = places[(places.index(here) + step) % len(places)]
        else:
            order = list(self._pages)
            ahead = [place for place in places if order.index(place[0]) * step >= order.index(self.topic) * step]
            topic, number = (ahead or places)[0 if step > 0 else -1]
        if topic != self.topic:
            self._go_to(_HistoryEntry(topic, by_search=True))
        self._match = number
        self._mark()

    def _mark(self) -> None:
        """Highlight the matches on the current page, and show a message such as `2 of 5 on this page`."""
        found = self._matches.get(self.topic, [])
        current = found[self._match] if self._match >= 0 else None
        self._browser.mark(found, current)
        if current is not None:
            self._show_message(Phrase("{place} of {count} on this page", place=self._match + 1, count=len(found)))
        elif self._search.text().strip() and not self._matches:
            self._show_message(Phrase("Nothing found"))
        else:
            self._show_message("")

    def _show_message(self, text: str) -> None:
        self._shown_message = text
        self._message.show_text(self._language().render(text))

    # Qt's event handlers

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Lay out the pages again after the colours, the font or the screen's pixel ratio have changed."""
        super().changeEvent(event)
        if event.type() in _CHANGES_OF_LOOK and self._history:
            former, self._documents = self._documents, {}
            match = self._match
            self._leave()
            self._find()
            self._show_entry()
            self._match = match
            self._mark()
            for document in former.values():
                document.deleteLater()


def _topic_of(item: QListWidgetItem) -> str:
    topic: str = item.data(Qt.ItemDataRole.UserRole)
    return topic


def _arrow_button(arrow: Qt.ArrowType, on_click: Callable[[], None]) -> QToolButton:
    button = QToolButton()
    button.setArrowType(arrow)
    button.setAutoRaise(True)
    button.clicked.connect(lambda _checked=False: on_click())
    return button
