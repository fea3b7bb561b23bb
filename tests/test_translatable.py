"""Every text for a person passes a translation: checks of the source, which find what no test happens to show.

The messages of faults, the output of commands and the texts of widgets must not be plain constants or f-strings.
`tests/test_pseudo_commands.py` and `tests/ui/test_pseudo_views.py` check the same in the running program.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "trayalert"
WORD = re.compile(r"[A-Za-z]{2}")

MARKS = {"N_", "Phrase", "counted", "say", "says"}
PRINTS = {"echo", "fail", "UsageError", "BadParameter", "ClickException"}
SHOWS = {
    "QAction", "QCheckBox", "QGroupBox", "QLabel", "QMenu", "QPushButton", "QRadioButton", "QToolButton", "addAction",
    "addItem", "addMenu", "addTab", "setAccessibleDescription", "setAccessibleName", "setPlaceholderText", "setText",
    "setTitle", "setToolTip", "setWindowTitle", "show_text", "show_message", "show_problem", "show_advice",
    "add_paragraph",
}  # fmt: skip
"""Functions of Qt and of `ui/` that show a text. Only positional arguments are texts."""

UNTRANSLATED = {
    ("trayalert/app/diagnostics/doctor/desktop_checks.py", "chmod go= "),
    ("trayalert/app/diagnostics/doctor/storage_checks.py", 'pip install "aiohttp>=3.14.4,<3.15"'),
    ("trayalert/cli/command_base.py", "trayalert: "),
    ("trayalert/cli/log_commands.py", " MiB  "),
    ("trayalert/ui/widgets/safe_text.py", "<qt>"),
    ("trayalert/ui/widgets/safe_text.py", "</qt>"),
    ("trayalert/ui/window.py", "trayalert"),
}
"""Texts that are the same in every language, with the files that show them."""


def fault_types() -> set[str]:
    """Return the names of the classes that derive from Fault."""
    bases: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
    found = {"Fault"}
    while more := {name for name, its in bases.items() if its & found} - found:
        found |= more
    return found


def constants(node: ast.expr) -> Iterator[str]:
    """Yield the words of an expression that no translation reaches: constants outside the calls in MARKS."""
    match node:
        case ast.Call(func=func):
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if name in MARKS:
                return
            yield from ()  # what a function returns is checked where the function makes it
        case ast.Constant(value=str(text)):
            if WORD.search(text):
                yield text
        case ast.JoinedStr(values=values):
            for part in values:
                yield from constants(part.value if isinstance(part, ast.FormattedValue) else part)
        case ast.BinOp(left=left, right=right):
            yield from constants(left)
            yield from constants(right)
        case ast.IfExp(body=body, orelse=orelse):
            yield from constants(body)
            yield from constants(orelse)
        case ast.BoolOp(values=values):
            for value in values:
                yield from constants(value)
        case _:
            return


def unmarked(source: str, faults: set[str]) -> list[tuple[int, str]]:
    """Return the texts that a module shows or raises without a translation, each with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in PRINTS | SHOWS | faults:
            found += [(node.lineno, text) for argument in node.args for text in constants(argument)]
    return found


def test_no_text_is_shown_or_raised_without_a_translation() -> None:
    faults = fault_types()
    assert len(faults) > 10
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for line, text in unmarked(path.read_text(encoding="utf-8"), faults):
            if (name, text) not in UNTRANSLATED:
                found.append(f"{name}:{line}: {text}")

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "raise LogFault('the disk is full')",
        "raise LogFault(f'the disk of {path} is full')",
        "raise LogFault('the disk ' + reason)",
        "fail('no log' if a else say('b'))",
        "click.echo(f'{count} alerts')",
        "raise click.UsageError('either or')",
        "label.setText('Copy')",
        "button = QPushButton('&Copy')",
        "menu.addAction(icon, 'Quit')",
        "label.show_text(text or 'none')",
    ],
)
def test_the_check_finds_each_form(source: str) -> None:
    assert unmarked(source, {"LogFault"})


@pytest.mark.parametrize(
    "source",
    [
        "raise LogFault(Phrase('the disk of {path} is full', path=path))",
        "click.echo(say('{count} alerts', count=count))",
        "label.setText(f'{sign} {language.say(word)}')",
        "captions.bind(label.setText, N_('Copy'))",
        "raise LogFault(reason)",
        "raise ValueError('a bug')",
        "label.setText('·')",
    ],
)
def test_the_check_leaves_translated_texts_alone(source: str) -> None:
    assert unmarked(source, {"LogFault"}) == []
