"""A help page, laid out by Qt, with text and images that come only from `resources/help/`.

Qt parses the page's Markdown, and ignores HTML. This module adds:

- a style in the colours of a palette: by default, Qt draws tables without lines, and huge headings
- the headings to which links lead: Qt creates no targets for these links
- the search for words
"""

from collections.abc import Iterator, Sequence
from typing import Final

from PySide6.QtCore import QObject, QRegularExpression, QUrl
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QImageReader,
    QPalette,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)

from trayalert.services.presentation.help_pages import HelpPage, find_image, make_slugs

MARGIN: Final = 18
"""Width of the page's margin in pixels."""
_HEADING_SIZES: Final = {1: 2, 2: 1}
"""Qt's FontSizeAdjustment for each heading level: the number of steps by which a heading is larger than the text.

Headings of other levels are as large as the text. By default, Qt makes headings of level 1 twice as large as the text.
"""
_CELL_PADDING: Final = 5
_SHADE, _LINE = 0.06, 0.3
"""The shares of the text colour, from 0 to 1, that `_tint` mixes into the page colour.

`_SHADE` is for shaded backgrounds, such as the background of code. `_LINE` is for the lines of tables. The colours of a
palette would not stand out in both light and dark themes.
"""


class HelpDocument(QTextDocument):
    """A help page in the colours of `palette`, with images drawn for a screen with the given `pixel_ratio`."""

    def __init__(
        self, page: HelpPage, font: QFont, palette: QPalette, pixel_ratio: float = 1, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.page = page
        self._palette = palette
        self._pixel_ratio = pixel_ratio
        self.setDefaultFont(font)
        self.setDocumentMargin(MARGIN)
        self.setUndoRedoEnabled(False)
        features = QTextDocument.MarkdownFeature
        self.setMarkdown(page.text, features.MarkdownDialectGitHub | features.MarkdownNoHTML)
        self._style_blocks()
        self._style_tables()

    def find_heading(self, slug: str) -> QTextBlock | None:
        """Return the heading with the given slug, or None if the page has no such heading."""
        headings = [block for block in self._blocks() if block.blockFormat().headingLevel()]
        slugs = make_slugs(block.text() for block in headings)
        return headings[slugs.index(slug)] if slug in slugs else None

    def find_words(self, words: Sequence[str]) -> list[QTextCursor]:
        """Return all occurrences of the given words in the page, ignoring case.

        If one of the words is missing from the page, return an empty list.
        """
        if not any(words):
            return []
        either = "|".join(map(QRegularExpression.escape, sorted(words, key=len, reverse=True)))
        pattern = QRegularExpression(either, QRegularExpression.PatternOption.CaseInsensitiveOption)
        found = []
        cursor = self.find(pattern, 0)
        while not cursor.isNull():
            found.append(cursor)
            cursor = self.find(pattern, cursor)
        texts = {cursor.selectedText().casefold() for cursor in found}
        return found if all(any(word.casefold() in text for text in texts) for word in words) else []

    def loadResource(self, kind: int, name: QUrl | str) -> QImage | None:  # noqa: N802 (Qt's name)
        """Return the image `name` from `resources/help/`, or None if there is no such image.

        Qt's own method would read any file that a page names.
        """
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return None
        return read_image(QUrl(name).toString(), self._pixel_ratio)

    def _blocks(self) -> Iterator[QTextBlock]:
        block = self.begin()
        while block.isValid():
            yield block
            block = block.next()

    def _tint(self, share: float) -> QColor:
        """Return a mix of the text colour and the page colour. `share` is the share of the text colour, from 0 to 1."""
        paper, ink = self._palette.color(QPalette.ColorRole.Base), self._palette.color(QPalette.ColorRole.Text)

        def mix(low: int, high: int) -> int:
            return round(low + (high - low) * share)

        return QColor(mix(paper.red(), ink.red()), mix(paper.green(), ink.green()), mix(paper.blue(), ink.blue()))

    def _style_blocks(self) -> None:
        for block in self._blocks():
            block_format, level = block.blockFormat(), block.blockFormat().headingLevel()
            is_code = block_format.hasProperty(QTextFormat.Property.BlockCodeFence)
            style = QTextBlockFormat()
            if is_code:
                style.setBackground(self._tint(_SHADE))
                style.setLeftMargin(12)
                style.setNonBreakableLines(False)  # otherwise one long line would make the page wider than the window
            elif level:
                style.setTopMargin(0 if level == 1 else 14)
                style.setBottomMargin(4)
            elif block_format.hasProperty(QTextFormat.Property.BlockQuoteLevel):
                style.setBackground(self._tint(_SHADE))
                style.setLeftMargin(12)
                style.setRightMargin(0)
            elif block.text():
                style.setLineHeight(118, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            QTextCursor(block).mergeBlockFormat(style)
            for span in block.textFormats():
                self._style_span(block, span.start, span.length, span.format, level=level, is_code=is_code)

    def _style_span(
        self, block: QTextBlock, start: int, length: int, old: QTextCharFormat, *, level: int, is_code: bool
    ) -> None:
        style = QTextCharFormat()
        if level:
            style.setProperty(QTextFormat.Property.FontSizeAdjustment, _HEADING_SIZES.get(level, 0))
            style.setFontWeight(QFont.Weight.Bold)
        elif old.fontFixedPitch() and not is_code:
            style.setBackground(self._tint(_SHADE))
        if old.isAnchor():
            style.setForeground(self._palette.color(QPalette.ColorRole.Link))
        if old.isImageFormat():
            style.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignMiddle)
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + start)
        cursor.setPosition(block.position() + start + length, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(style)

    def _style_tables(self) -> None:
        for table in self.rootFrame().childFrames():
            if not isinstance(table, QTextTable):
                continue
            style = table.format()
            style.setCellPadding(_CELL_PADDING)
            style.setCellSpacing(0)
            style.setBorder(1)
            style.setBorderCollapse(True)
            style.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            style.setBorderBrush(self._tint(_LINE))
            style.setTopMargin(6)
            style.setBottomMargin(6)
            style.setWidth(QTextLength())
            table.setFormat(style)
            for column in range(table.columns()):
                cell = table.cellAt(0, column)
                shaded = cell.format()
                shaded.setBackground(self._tint(_SHADE))
                cell.setFormat(shaded)


def read_image(name: str, pixel_ratio: float) -> QImage | None:
    """Return a help image, drawn for a screen with the given pixel ratio, or None if there is no such image."""
    path = find_image(name)
    if path is None:
        return None
    reader = QImageReader(str(path), b"svg")
    reader.setAutoDetectImageFormat(False)
    reader.setScaledSize(reader.size() * pixel_ratio)
    image = reader.read()
    image.setDevicePixelRatio(pixel_ratio)
    return image
