from collections.abc import Callable

import pytest
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QAction, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGroupBox,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QMenu,
    QSystemTrayIcon,
    QTableView,
    QTabWidget,
    QTreeView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.pseudo import outside_brackets, program_messages, pseudo
from tests.ui.widget_texts import unwrapped
from trayalert.domain.phrase import Phrase
from trayalert.domain.wording.language import Language
from trayalert.ui.widgets.safe_text import SafeField, SafeLabel, SafeParagraph, show_tooltip

Parent = QModelIndex | QPersistentModelIndex | None

PLAIN, TRANSLATED = "Go on <b>", pseudo("Go on <b>")


def labelled(text: str) -> QWidget:
    parent = QWidget()
    label = SafeLabel(text)
    label.setParent(parent)
    return parent


def with_text(name: str) -> Callable[[str], QWidget]:
    """Return a function that makes a widget with a text. `name` is the method that sets the text."""

    def make(text: str) -> QWidget:
        widget = QWidget()
        getattr(widget, name)(text)
        return widget

    return make


def with_tooltip(text: str) -> QWidget:
    widget = QWidget()
    show_tooltip(widget, text)
    return widget


def paragraph(text: str) -> QWidget:
    widget = SafeParagraph()
    widget.show_text(text)
    return widget


def choice(text: str) -> QWidget:
    widget = QComboBox()
    widget.addItems(["", text])
    return widget


def tabs(text: str) -> QWidget:
    widget = QTabWidget()
    widget.addTab(QWidget(), text)
    return widget


def submenu(text: str) -> QWidget:
    menu = QMenu()
    inner = QMenu("", menu)
    menu.addMenu(inner)
    inner.addAction(text)
    return menu


def menu_bar(text: str) -> QWidget:
    window = QMainWindow()
    window.menuBar().addMenu(text)
    return window


def status_bar(text: str) -> QWidget:
    window = QMainWindow()
    window.statusBar().showMessage(text)
    return window


def tray(text: str) -> QObject:
    icon = QSystemTrayIcon()
    icon.setToolTip(text)
    return icon


def tray_menu(text: str) -> QObject:
    icon = QSystemTrayIcon()
    menu = QMenu(text)
    icon.setContextMenu(menu)
    icon.destroyed.connect(menu.deleteLater)  # also keeps the menu
    return icon


def tree(text: str, *, header: str = "") -> QWidget:
    view = QTreeView()
    model = QStandardItemModel(view)
    model.setHorizontalHeaderLabels([header, ""])
    outer = QStandardItem("")
    outer.appendRow([QStandardItem(""), QStandardItem(text)])
    model.appendRow([outer, QStandardItem("")])
    view.setModel(model)
    return view


class OneCell(QAbstractTableModel):
    """A model that ignores the parent, as a table's model may."""

    def __init__(self, text: str, parent: QObject) -> None:
        super().__init__(parent)
        self._text = text

    def rowCount(self, parent: Parent = None) -> int:  # noqa: N802 (Qt's name)
        return 1

    def columnCount(self, parent: Parent = None) -> int:  # noqa: N802 (Qt's name)
        return 1

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        return self._text if role == Qt.ItemDataRole.DisplayRole else None


def table(text: str) -> QWidget:
    view = QTableView()
    view.setModel(OneCell(text, view))
    return view


def entries(text: str) -> QWidget:
    widget = QListWidget()
    widget.addItem(text)
    return widget


@pytest.mark.parametrize(
    "make",
    [
        labelled, with_text("setAccessibleDescription"), with_text("setAccessibleName"), with_text("setWindowTitle"),
        with_tooltip, paragraph, choice, tabs, submenu, menu_bar, status_bar, tray,
        tray_menu, tree, table, entries, QCheckBox, QGroupBox, QAction,
        lambda text: SafeField("", hint=text), lambda text: SafeField("", text, read_only=True),
        lambda text: tree("", header=text),
    ],
)  # fmt: skip
def test_each_text_of_a_widget_is_found(qtbot: QtBot, make: Callable[[str], QObject]) -> None:
    assert unwrapped(make(PLAIN)) == [PLAIN]
    assert unwrapped(make(TRANSLATED)) == []


def test_what_the_user_has_typed_is_no_text_of_the_program(qtbot: QtBot) -> None:
    assert unwrapped(QLineEdit("typed")) == []


def test_a_widget_that_was_replaced_does_not_count(qtbot: QtBot) -> None:
    parent = labelled("old")
    parent.findChildren(SafeLabel)[0].deleteLater()

    assert unwrapped(parent) == []


@pytest.mark.parametrize(
    ("text", "outside"),
    [("⟦á ⟦b⟧ c⟧", " "), ("⚠ ⟦á⟧ word", "⚠   word"), ("⟦cut…", " "), ("a⟧b", "ab"), ("⟦á⟧b⟦c⟧", " b ")],
)
def test_only_what_is_in_brackets_is_translated(text: str, outside: str) -> None:
    assert outside_brackets(text) == outside


def test_fields_and_mnemonics_are_kept() -> None:
    assert pseudo("&Next {count:,} on") == "⟦&Néxt {count:,} öñ······⟧"
    assert pseudo(", ") == ", "
    assert pseudo("{a}: {b}") == "⟦{a}: {b}··⟧"


def test_only_marked_messages_are_translated(pseudo_language: Language) -> None:
    assert "Permission denied" in program_messages()
    assert pseudo_language.say("Permission denied") == pseudo("Permission denied")
    unmarked = "a text that no module marks"
    assert pseudo_language.say(unmarked) == unmarked
    assert pseudo_language.render(Phrase(unmarked)) == unmarked
    assert Language.EN.say("Permission denied") == "Permission denied"
