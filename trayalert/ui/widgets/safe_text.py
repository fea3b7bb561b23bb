"""The only module that passes text from the network to Qt's text widgets.

All text is cleaned with `domain.text.printable`, and shown as plain text.

By default, Qt's text widgets guess whether a string is rich text. Anyone who can name a resource or a rule could attack
the program with rich text: 270 bytes in a QLabel can freeze the layout for 16 s and load a file from the disk. A test
checks that no other module uses Qt's text widgets and setters directly. Item views are safe, because they do not
guess.
"""

import html
import math
import unicodedata

from PySide6.QtCore import QSize, QSizeF, Qt
from PySide6.QtGui import QAction, QGuiApplication, QIcon, QTextOption
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSystemTrayIcon,
    QTextEdit,
    QWidget,
)

from trayalert.domain.text import printable
from trayalert.ui.appearance import bold


class SafeLabel(QLabel):
    """A label that shows cleaned plain text.

    If `selectable` is true, the user can select and copy the text. If `heading` is not 0, the text is bold and
    `heading` times as large as the desktop's font.
    """

    def __init__(self, text: str = "", *, selectable: bool = False, wrapped: bool = False, heading: float = 0) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrapped)
        if wrapped:  # a very long word must not make the window wider
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if heading:
            self.setFont(bold(self.font(), scale=heading))
        if selectable:
            self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Clean the text and show it, unless the label already shows it."""
        clean = _clean_lines(text)
        if clean != self.text():
            super().setText(clean)

    def show_icon(self, icon: QIcon, size: int) -> None:
        """Show an icon instead of the text. `size` is the icon's width and height in pixels."""
        self.setPixmap(icon.pixmap(QSize(size, size), self.devicePixelRatioF()))


class SafeParagraph(QTextEdit):
    """A read-only paragraph of cleaned plain text, always exactly as high as its lines. The user can copy the text.

    Unlike a label, a paragraph breaks long words, such as ids.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)

    def show_text(self, text: str) -> None:
        """Clean the text and show it, unless the paragraph already shows it."""
        clean = _clean_lines(text)
        if clean != self.toPlainText():
            self.setPlainText(clean)

    def _fit_height(self, size: QSizeF) -> None:
        self.setFixedHeight(max(math.ceil(size.height()), self.fontMetrics().height()))


class SafeField(QLineEdit):
    """A one-line input field. If `read_only` is true, the user can only read and copy its text.

    Text that the program puts into the field is cleaned. `name` is the accessible name, and `hint` is the placeholder.
    """

    def __init__(self, name: str = "", text: str = "", *, hint: str = "", read_only: bool = False) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setReadOnly(read_only)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Clean the text and show it, scrolled to its beginning, unless the field already shows it."""
        clean = printable(text, limit=2000)
        if clean != self.text():
            self.setText(clean)
            self.setCursorPosition(0)


def _clean_lines(text: str) -> str:
    return "\n".join(printable(line, limit=1000) for line in text.split("\n"))


def show_tooltip(target: QWidget | QAction, text: str) -> None:
    """Set a tooltip that shows the text literally.

    By default, Qt guesses whether a tooltip is rich text. Qt always treats a text in the tag `<qt>` as rich text. The
    text is therefore escaped and enclosed in this tag.
    """
    clean = printable(text, limit=1000)
    target.setToolTip(f"<qt>{html.escape(clean)}</qt>" if clean else "")


def show_tray_tooltip(tray: QSystemTrayIcon, lines: list[str]) -> None:
    """Set the tooltip of the tray icon.

    Some tray hosts interpret markup in tooltips, and some do not. Markup characters are therefore replaced by
    characters that look similar.
    """
    text = "\n".join(printable(line) for line in lines)
    tray.setToolTip(text.replace("<", "‹").replace(">", "›").replace("&", "＆"))


def show_caption(target: QAction | QAbstractButton, text: str, *, exported: bool = False) -> None:
    """Set the label of a menu entry or button, without a mnemonic.

    An unchanged label is not set again, so that only changes are sent to the desktop. `exported` must be true if the
    menu is exported over D-Bus and drawn by the desktop.

    WORKAROUND: Over D-Bus, `_` marks the mnemonic. Qt's QDBusMenuItem turns the first `&` into `_`, and changes no
    other `&` and no `_`. If `exported` is true, each `_` and the first `&` are therefore doubled.
    """
    clean = printable(text)
    caption = clean.replace("_", "__").replace("&", "&&", 1) if exported else clean.replace("&", "&&")
    if target.text() != caption:
        target.setText(caption)


def show_trusted_caption(target: QAction | QAbstractButton, caption: str) -> None:
    """Set the label of a menu entry or button, in which `&` marks the mnemonic.

    Use this only for labels that trayalert defines.
    """
    if target.text() != caption:
        target.setText(caption)


def copy_text(text: str) -> None:
    """Copy the text to the clipboard without cleaning it."""
    QGuiApplication.clipboard().setText(text)


def elided(text: str | None, columns: int) -> str:
    """Return the cleaned text, cut to a width of at most `columns` columns. A Chinese character is two columns wide."""
    clean = printable(text)
    used = 0
    for index, character in enumerate(clean):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > columns:
            return clean[: max(0, index - 1)].rstrip() + "…"
    return clean
