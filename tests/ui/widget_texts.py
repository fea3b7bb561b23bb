"""Finds the texts of widgets that have no translation."""

import html
from collections.abc import Iterator

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

from tests.pseudo import has_word, outside_brackets

_CELL_ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
    Qt.ItemDataRole.AccessibleDescriptionRole,
)


def unwrapped(root: QObject) -> list[str]:
    """Return all texts of a widget and its children that have two adjacent letters outside the brackets.

    The root can also be a menu, an action or a tray icon. Hidden widgets count, too, because they may be shown later.
    What the user has typed does not count.
    """
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # widgets that were replaced
    texts = dict.fromkeys(_plain(text) for text in texts_of(root))
    return [text for text in texts if has_word(outside_brackets(text).replace("&", ""))]


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
