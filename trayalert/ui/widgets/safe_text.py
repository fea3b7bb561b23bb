"""The one place where text from the network meets Qt's text widgets. Its rule: plain text, cleaned, always.

Qt guesses rich text: 270 bytes in a default QLabel can freeze the layout for 16 s and load a file from the disk. The
attacker is whoever names a resource or a rule. So a test forbids all other modules the bare widgets and setters. Item
views are safe: they never guess.
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
    """A label for cleaned plain text. `selectable` text can be copied; a `heading` is bold and that much larger."""

    def __init__(self, text: str = "", *, selectable: bool = False, wrapped: bool = False, heading: float = 0) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrapped)
        if wrapped:  # a word without an end must not make the window wider
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if heading:
            self.setFont(bold(self.font(), scale=heading))
        if selectable:
            self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Show the cleaned text, unless it is shown already."""
        clean = _clean_lines(text)
        if clean != self.text():
            super().setText(clean)

    def show_icon(self, icon: QIcon, size: int) -> None:
        """Show a picture of that size in place of the text."""
        self.setPixmap(icon.pixmap(QSize(size, size), self.devicePixelRatioF()))


class SafeParagraph(QTextEdit):
    """Cleaned plain text to read and copy, as high as its lines. Unlike a label it breaks long words, such as ids."""

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
        """Show the cleaned text, unless it is shown already."""
        clean = _clean_lines(text)
        if clean != self.toPlainText():
            self.setPlainText(clean)

    def _fit_height(self, size: QSizeF) -> None:
        self.setFixedHeight(max(math.ceil(size.height()), self.fontMetrics().height()))


class SafeField(QLineEdit):
    """A line to write in, or only to read and copy; texts of the program are cleaned."""

    def __init__(self, name: str, text: str = "", *, hint: str = "", read_only: bool = False) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setReadOnly(read_only)
        self.show_text(text)

    def show_text(self, text: str) -> None:
        """Show the cleaned text from its beginning, unless it is shown already."""
        clean = printable(text, limit=2000)
        if clean != self.text():
            self.setText(clean)
            self.setCursorPosition(0)


def _clean_lines(text: str) -> str:
    return "\n".join(printable(line, limit=1000) for line in text.split("\n"))


def show_tooltip(target: QWidget | QAction, text: str) -> None:
    """Set an escaped tooltip. The wrapping makes Qt take the text for rich text, in which everything is escaped."""
    clean = printable(text, limit=1000)
    target.setToolTip(f"<qt>{html.escape(clean)}</qt>" if clean else "")


def show_tray_tooltip(tray: QSystemTrayIcon, lines: list[str]) -> None:
    """Set the tray's tooltip. Hosts differ in what they take for markup, so its signs become look-alikes."""
    text = "\n".join(printable(line) for line in lines)
    tray.setToolTip(text.replace("<", "‹").replace(">", "›").replace("&", "＆"))


def show_caption(target: QAction | QAbstractButton, text: str, *, exported: bool = False) -> None:
    """Set the text of a menu entry or button, without a mnemonic. Only a change is sent on.

    `exported`: the entry is shown by the desktop over D-Bus. WORKAROUND: there `_` marks the mnemonic, and Qt's
    QDBusMenuItem turns the first `&` into one, but neither doubles `_` nor undoes the doubling of other `&`.
    """
    clean = printable(text)
    caption = clean.replace("_", "__").replace("&", "&&", 1) if exported else clean.replace("&", "&&")
    if target.text() != caption:
        target.setText(caption)


def show_trusted_caption(button: QAbstractButton, caption: str) -> None:
    """Set a button's text, `&` before the letter of its mnemonic. Only for the program's own texts."""
    if button.text() != caption:
        button.setText(caption)


def copy_text(text: str) -> None:
    """Copy the text as it is into the clipboard."""
    QGuiApplication.clipboard().setText(text)


def elided(text: str | None, columns: int) -> str:
    """Return the cleaned text cut to so many columns; a Chinese character is as wide as two Latin ones."""
    clean = printable(text)
    used = 0
    for index, character in enumerate(clean):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > columns:
            return clean[: max(0, index - 1)].rstrip() + "…"
    return clean
