import ast
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon, QWidget
from pytestqt.qtbot import QtBot

import trayalert
from trayalert.ui.widgets.safe_text import (
    SafeLabel,
    SafeParagraph,
    copy_text,
    elided,
    show_caption,
    show_tooltip,
    show_tray_tooltip,
)

ROOT = Path(trayalert.__file__).parent
THE_ONE_PLACE = ROOT / "ui" / "widgets" / "safe_text.py"
HELP = {
    ROOT / "ui" / "help" / "help_document.py": {"QTextDocument", "setMarkdown"},
    ROOT / "ui" / "help" / "help_browser.py": {"QTextBrowser", "QTextEdit"},
}
"""The modules that show the help pages, which come with the program, and what they may use for that."""

GUESSING = {
    # guess from a text whether it is rich text
    "QLabel", "QMessageBox", "QToolTip", "QWhatsThis", "QErrorMessage", "QTextEdit", "QTextBrowser", "QTextDocument",
    "QStaticText", "QInputDialog", "QProgressDialog", "QWizardPage", "QSplashScreen",
    "setToolTip", "setWhatsThis", "setHtml", "setMarkdown", "insertHtml", "appendHtml", "setInformativeText",
    "ToolTipRole", "WhatsThisRole", "RichText", "MarkdownText", "AutoText",
    # take mnemonics, or show text without cleaning it; safe_text.py has replacements
    "setText", "setPlainText", "setIconText", "setStatusTip",
    # start a nested event loop, which ends the program if a coroutine does so
    "exec", "exec_",
}  # fmt: skip


def forbidden_uses(source: str, allowed: AbstractSet[str] = frozenset()) -> list[str]:
    """Return the names from GUESSING that the source uses in any way."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) | ast.keyword(arg=str(name)):
                forbidden = name in GUESSING - allowed or name.lstrip("_") == "toolTip"
                found += [f"line {node.lineno}: {name}"] * forbidden
    return found


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("ui/**/*.py"), *ROOT.glob("app/**/*.py")]), ids=lambda path: path.name
)
def test_only_one_module_gives_text_to_widgets_that_guess(path: Path) -> None:
    if path != THE_ONE_PLACE:
        assert forbidden_uses(path.read_text(encoding="utf-8"), HELP.get(path, set())) == []


def test_the_help_takes_only_names_of_pages() -> None:
    """What is shown as Markdown is the page that `read_page` has found by its topic."""
    source = (ROOT / "ui" / "help" / "help_document.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    texts = [ast.unparse(one.args[0]) for one in calls if ast.unparse(one.func).endswith("setMarkdown")]
    makers = [path.name for path in ROOT.rglob("*.py") if "HelpPage(" in path.read_text(encoding="utf-8")]

    assert texts == ["page.text"]
    assert makers == ["help_pages.py"]


@pytest.mark.parametrize(
    "source",
    [
        "from PySide6.QtWidgets import QLabel",
        "from PySide6.QtWidgets import QLabel as Words",
        "import PySide6.QtWidgets as w; w.QMessageBox.warning(None, 'a', name)",
        "button.setToolTip(name)",
        "QPushButton(toolTip=name)",
        "entry.setText(name)",
        "view.setHtml(name)",
        "if role == Qt.ItemDataRole.ToolTipRole: pass",
        "dialog.exec()",
    ],
)
def test_the_lint_can_fail(source: str) -> None:
    assert forbidden_uses(source)


HOSTILE = "<table><tr><td>" * 20 + '<img src="file:///etc/passwd"> & \u202egnp.exe'


def test_a_label_takes_nothing_for_markup(qtbot: QtBot) -> None:
    label = SafeLabel(HOSTILE, wrapped=True)
    qtbot.addWidget(label)
    label.show_text(HOSTILE + "\nsecond")
    assert label.textFormat() is Qt.TextFormat.PlainText
    assert "<img" in label.text()
    assert "\u202e" not in label.text()
    assert label.text().endswith("\nsecond")


def test_a_paragraph_takes_nothing_for_markup_and_breaks_the_longest_word(qtbot: QtBot) -> None:
    paragraph = SafeParagraph()
    qtbot.addWidget(paragraph)
    paragraph.resize(200, 20)
    paragraph.show_text(HOSTILE)
    assert "<img" in paragraph.toPlainText()
    assert "\u202e" not in paragraph.toPlainText()
    paragraph.show_text("x")
    paragraph.show()
    line = paragraph.height()
    paragraph.show_text("7f6e5d4c-0001-4a4a-8b8b-000000000001_" * 3)
    qtbot.waitUntil(lambda: paragraph.height() > 3 * line)
    assert paragraph.document().size().width() <= paragraph.width()


def test_a_tooltip_is_escaped(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    show_tooltip(widget, "<b>a</b> & b\u202e")
    assert widget.toolTip() == "<qt>&lt;b&gt;a&lt;/b&gt; &amp; b</qt>"
    show_tooltip(widget, "")
    assert widget.toolTip() == ""


def test_the_trays_tooltip_cannot_be_taken_for_markup(qtbot: QtBot) -> None:
    tray = QSystemTrayIcon()
    show_tray_tooltip(tray, ["<b>a</b> &lt;", "b"])
    assert not set("<>&") & set(tray.toolTip())


@pytest.mark.parametrize(
    ("exported", "caption"), [(False, "a_b && c && d"), (True, "a__b && c & d")], ids=["Qt's menu", "D-Bus menu"]
)
def test_a_menu_entry_has_no_mnemonic(qtbot: QtBot, exported: bool, caption: str) -> None:
    entry = QAction()
    changes: list[None] = []
    entry.changed.connect(lambda: changes.append(None))
    for _ in range(3):
        show_caption(entry, "a_b & c & d\u200b", exported=exported)
    assert entry.text() == caption
    assert len(changes) == 1


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("short", 10, "short"),
        ("内存使用率", 10, "内存使用率"),
        ("内存使用率", 9, "内存使…"),
        ("abcdef", 4, "abc…"),
        (None, 4, ""),
    ],
)
def test_text_is_cut_by_its_width(text: str | None, columns: int, shown: str) -> None:
    assert elided(text, columns) == shown


def test_copied_text_is_as_it_is(qtbot: QtBot) -> None:
    copy_text("https://example.org/?a=1&b=<2>")
    assert QGuiApplication.clipboard().text() == "https://example.org/?a=1&b=<2>"
