"""A language in which every translated text is in the brackets ⟦⟧, so that a test finds text without a translation.

In this language, "Go on a&nyway" is ⟦Ĝö öñ á&nÿŵáÿ····⟧. The texts contain accents and are longer than the English
texts, as in many languages.
"""

import functools
import html
import importlib
import re
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QAbstractTableModel,
    QCoreApplication,
    QEvent,
    QModelIndex,
    QObject,
    Qt,
)
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMenu,
    QStatusBar,
    QSystemTrayIcon,
    QTabBar,
    QTextEdit,
    QWidget,
)

from tests.test_structure import ROOT
from trayalert.domain.wording.language import Language, use_catalogues
from trayalert.translations import read_catalogue

_ACCENTED = str.maketrans("aceghijnoswyzACEGIJNOSUWYZ", "áçéğĥîĵñöšŵÿžÁÇÉĞÎĴÑÖŠÛŴŸŽ")
_KEPT = re.compile(r"(\{[^{}]*\}|&.)", re.DOTALL)
"""The parts of a message that must not change: fields, and mnemonics."""
_CELL_ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
    Qt.ItemDataRole.AccessibleDescriptionRole,
)


class PseudoCatalogue:
    """Translates the messages of the program. Text that is not marked as a message stays as it is."""

    def gettext(self, message: str, /) -> str:
        return pseudo(message) if message in program_messages() else message

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        return self.gettext(one if count == 1 else many)


@pytest.fixture
def pseudo_language() -> Iterator[Language]:
    """Return a language other than English, and translate it as PseudoCatalogue does until the end of the test."""
    use_catalogues(lambda _: PseudoCatalogue())
    yield Language.ZH
    use_catalogues(read_catalogue)


@functools.cache
def program_messages() -> frozenset[str]:
    """Return all messages that `make translations` finds in the code."""
    sys.path.append(str(ROOT / "packaging"))
    try:
        find_messages = importlib.import_module("update_translations").find_messages
    finally:
        sys.path.pop()
    found = (message for _, message in find_messages(ROOT))
    return frozenset(text for message in found for text in ((message,) if isinstance(message, str) else message))


def pseudo(message: str) -> str:
    """Return a message with accents, longer and in brackets. A message without a letter and without a field stays."""
    parts = _KEPT.split(message)
    if not any(_has_word(part, at_least=1) or part.startswith("{") for part in parts):
        return message
    changed = (part if _KEPT.fullmatch(part) else part.translate(_ACCENTED) for part in parts)
    return f"⟦{''.join(changed)}{'·' * (len(message) // 3)}⟧"


def outside_brackets(text: str) -> str:
    """Return those parts of a text that are not in the brackets. A text may be cut before its last bracket."""
    depth, kept = 0, []
    for character in text:
        if character == "⟦":
            kept += [" "] * (depth == 0)
            depth += 1
        elif character == "⟧":
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(character)
    return "".join(kept)


def unwrapped(root: QObject) -> list[str]:
    """Return all texts of a widget and its children that have two adjacent letters outside the brackets.

    The root can also be a menu, an action or a tray icon. Hidden widgets count, too, because they may be shown later.
    What the user has typed does not count.
    """
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # widgets that were replaced
    texts = dict.fromkeys(_plain(text) for text in texts_of(root))
    return [text for text in texts if _has_word(outside_brackets(text).replace("&", ""))]


def _has_word(text: str, *, at_least: int = 2) -> bool:
    return re.search(rf"[^\W\d_]{{{at_least},}}", text) is not None


def _plain(text: str) -> str:
    """Return the text of a tooltip without the markup that `show_tooltip` adds."""
    return html.unescape(text.removeprefix("<qt>").removesuffix("</qt>")) if text.startswith("<qt>") else text


def texts_of(root: QObject) -> Iterator[str]:
    """Return all texts of a widget and its children, or of a menu, an action or a tray icon. Some may be empty."""
    match root:
        case QSystemTrayIcon():
            yield root.toolTip()
            if root.contextMenu() is not None:
                yield from texts_of(root.contextMenu())
        case QAction():
            yield from _action_texts(root)
        case QWidget():
            for widget in (root, *root.findChildren(QWidget)):
                if not (isinstance(widget.parent(), QTabBar) and widget.objectName().startswith("Scroll")):  # Qt's own
                    yield from _widget_texts(widget)


def _widget_texts(widget: QWidget) -> Iterator[str]:
    yield from (widget.windowTitle(), widget.toolTip(), widget.statusTip(), widget.whatsThis())
    yield from (widget.accessibleName(), widget.accessibleDescription())
    for action in widget.actions():
        yield from _action_texts(action)
    match widget:
        case QLabel() | QAbstractButton():
            yield widget.text()
        case QMenu() | QGroupBox():
            yield widget.title()
        case QLineEdit():
            yield widget.placeholderText()
            if widget.isReadOnly():
                yield widget.text()
        case QTextEdit():
            yield widget.placeholderText()
            if widget.isReadOnly():
                yield widget.toPlainText()
        case QComboBox():
            yield widget.placeholderText()
            yield from (widget.itemText(place) for place in range(widget.count()))
        case QTabBar():
            for place in range(widget.count()):
                yield from (widget.tabText(place), widget.tabToolTip(place), widget.accessibleTabName(place))
        case QStatusBar():
            yield widget.currentMessage()
        case QAbstractItemView() if widget.model() is not None:
            yield from _model_texts(widget.model())


def _action_texts(action: QAction) -> Iterator[str]:
    yield from (action.text(), action.toolTip(), action.statusTip(), action.whatsThis())
    menu = action.menu()
    if isinstance(menu, QMenu):
        yield from texts_of(menu)


def _model_texts(model: QAbstractItemModel, parent: QModelIndex | None = None) -> Iterator[str]:
    """Return the texts of all headers and cells."""
    place = parent or QModelIndex()
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(place)
    if parent is None:
        for column in range(columns):
            for role in _CELL_ROLES:
                yield _as_text(model.headerData(column, Qt.Orientation.Horizontal, role))
    for row in range(model.rowCount(place)):
        for column in range(columns):
            cell = model.index(row, column, place)
            yield from (_as_text(model.data(cell, role)) for role in _CELL_ROLES)
            if not isinstance(model, QAbstractTableModel | QAbstractListModel) and model.hasChildren(cell):
                yield from _model_texts(model, cell)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else ""
