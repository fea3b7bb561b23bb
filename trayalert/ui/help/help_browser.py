"""The view of a help page. The view opens no links: it emits a signal when the user activates a link."""

from typing import Final

from PySide6.QtCore import QPoint, QUrl, Signal
from PySide6.QtGui import QColor, QResizeEvent, QShowEvent, QTextBlock, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QTextBrowser, QTextEdit

from trayalert.services.presentation.help_pages import parse_link
from trayalert.ui.help.help_document import MARGIN, HelpDocument

_LONGEST_LINE: Final = 88
"""Maximum line length, in characters of average width. Longer lines are hard to read."""
_MATCH_COLOUR: Final = QColor(255, 183, 3, 110)


class HelpBrowser(QTextBrowser):
    """Shows a help page, and emits a signal when the user activates a link.

    A click or Enter activates a link. The signal is `link_followed` or `link_refused`.
    """

    link_followed = Signal(object)
    """Emitted with a HelpLink when the user activates a link to a place in the help."""
    link_refused = Signal()
    """Emitted when the user activates a link that does not lead to a place in the help."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted_block: QTextBlock | None = None
        self.setOpenLinks(False)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setWordWrapMode(QTextOption.WrapMode.WordWrap)
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        self.anchorClicked.connect(self._follow)

    def show_document(self, document: HelpDocument) -> None:
        """Show a page, scrolled to its top."""
        self._wanted_block = None
        self.setDocument(document)
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.verticalScrollBar().setValue(0)

    def show_block(self, block: QTextBlock) -> None:
        """Scroll so that the given block is at the top of the view."""
        self.setTextCursor(QTextCursor(block))
        self._scroll_to(block)
        self._wanted_block = None if self.isVisible() else block

    def mark(self, matches: list[QTextCursor], current: QTextCursor | None) -> None:
        """Highlight all `matches`. If `current` is not None, also select this match and scroll to it."""
        selections = []
        for match in matches:
            selection = QTextEdit.ExtraSelection()
            selection.cursor = match
            selection.format.setBackground(_MATCH_COLOUR)
            selections.append(selection)
        self.setExtraSelections(selections)
        if current is not None:
            self.setTextCursor(current)
            self.ensureCursorVisible()

    def _follow(self, url: QUrl) -> None:
        link = parse_link(url.toString(QUrl.ComponentFormattingOption.FullyDecoded))
        if link is None:
            self.link_refused.emit()
        else:
            self.link_followed.emit(link)

    def _scroll_to(self, block: QTextBlock) -> None:
        top = self.document().documentLayout().blockBoundingRect(block).top()
        self.verticalScrollBar().setValue(max(0, int(top) - MARGIN // 2))

    # Qt's event handlers

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Wrap the lines at the new width and keep the same paragraph at the top of the view."""
        top = self._wanted_block or self.cursorForPosition(QPoint(MARGIN, 0)).block()
        offset = self.verticalScrollBar().value()
        width = 2 * MARGIN + _LONGEST_LINE * self.fontMetrics().averageCharWidth()
        self.setLineWrapColumnOrWidth(min(width, self.viewport().width()))
        super().resizeEvent(event)
        if offset:
            self._scroll_to(top)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """If `show_block` was called before the view was visible, scroll to that block now."""
        super().showEvent(event)
        if self._wanted_block is not None:
            self._scroll_to(self._wanted_block)
            self._wanted_block = None
