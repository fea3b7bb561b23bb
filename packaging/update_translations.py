"""Updates the catalogues of translations from the code: `make translations`.

Every text that the code passes to `say`, `says`, `Phrase`, `Phrase.counted` or `N_`, every help text of a command, and
every text of click is a message. New messages are added to each catalogue without a translation, and messages that the
code no longer contains are removed. A message whose English text has changed a little keeps its translation, but is
marked as fuzzy. The exit status is 1 if a message needs a translator.
"""

import ast
import importlib.metadata
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from trayalert.cli.language.translated_help import joined_lines

from build_hook import CATALOGUES, ROOT  # isort: skip - a file of this folder

KEYWORDS = {"N_": 1, "Phrase": 1, "say": 1, "counted": 2, "says": 2}
"""Maps each function that marks messages to the number of its first arguments that are messages."""
CLICK_KEYWORDS = {"_": 1, "ngettext": 2}
CLICK_WORDS = ("required",)
"""Words that click passes to gettext in a variable."""
CLICK_FILES = ("core", "decorators", "exceptions", "formatting", "parser", "types")
"""Modules of click that contain texts of help and errors. The other modules contain prompts, which no command uses."""


def find_messages(root: Path) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield each message of the program with the file that contains it. A message with a plural form is a pair."""
    for file in sorted(root.glob("trayalert/**/*.py")):
        place = file.relative_to(root).as_posix()
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for message in marked_texts(tree, KEYWORDS):
            yield place, message
        if place.startswith("trayalert/cli/"):
            for text in help_texts(tree):
                yield place, text
    yield from (("click/core.py", word) for word in CLICK_WORDS)
    for file in importlib.metadata.files("click") or ():
        if file.parent.name == "click" and file.stem in CLICK_FILES and file.suffix == ".py":
            for message in marked_texts(ast.parse(file.read_text(encoding="utf-8")), CLICK_KEYWORDS):
                yield f"click/{file.name}", message


def marked_texts(tree: ast.AST, keywords: Mapping[str, int]) -> Iterator[str | tuple[str, ...]]:
    """Yield the constants that are passed to the functions in `keywords`, in the order of the file."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = call.args[: keywords.get(name, 0)]
        texts = [arg.value for arg in given if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if texts and len(texts) == keywords[name] and texts != [""]:
            yield texts[0] if len(texts) == 1 else tuple(texts)


def help_texts(tree: ast.AST) -> Iterator[str]:
    """Yield the help texts of the commands and options that a module of `cli/` defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(map(_is_command, node.decorator_list)):
            yield joined_lines(ast.get_docstring(node) or "")
        elif isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def _is_command(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr in {"command", "group"}


def fresh_catalogue(root: Path) -> Catalog:
    """Return a catalogue with all messages of the program and without translations.

    Raise ValueError if a message occurs both with and without a plural.
    """
    catalogue = Catalog(project="trayalert", charset="utf-8")
    singular: set[str] = set()
    plural: set[str] = set()
    for place, message in find_messages(root):
        catalogue.add(message, locations=[(place, 0)])
        if isinstance(message, str):
            singular.add(message)
        else:
            plural.add(message[0])
    if both := singular & plural:
        # gettext would return the translation of the plural for the message without a number
        raise ValueError(f"messages with and without a plural: {sorted(both)}")
    return catalogue


def needs_translator(message: Message) -> bool:
    """Return whether a message has no translation, or a translation that must be checked."""
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    return bool(message.id) and (message.fuzzy or not all(texts))


def update(path: Path, fresh: Catalog) -> list[Message]:
    """Update the catalogue in a file. Return the messages that need a translator."""
    former = path.read_bytes()
    catalogue = read_po(BytesIO(former), abort_invalid=True)
    catalogue.update(fresh)
    written = BytesIO()
    write_po(
        written,
        catalogue,
        width=120,
        omit_header=True,
        sort_by_file=True,
        include_lineno=False,
        ignore_obsolete=True,
    )
    header, _, _ = former.partition(b"\n\n")  # the glossary and the header, which stay as they are
    path.write_bytes(header + b"\n\n" + written.getvalue())
    return [message for message in catalogue if needs_translator(message)]


def main() -> int:
    """Update all catalogues, print the messages that need a translator, and return the exit status."""
    fresh = fresh_catalogue(ROOT)
    status = 0
    for path in sorted(ROOT.glob(CATALOGUES)):
        lacking = update(path, fresh)
        for message in lacking:
            text = message.id[0] if isinstance(message.id, tuple) else message.id
            print(f"{path.parent.parent.name}: {'fuzzy' if message.fuzzy else 'missing'}: {text}")
        print(f"{path.parent.parent.name}: {len(fresh)} messages, {len(lacking)} of them need a translator")
        status |= bool(lacking)
    return status


if __name__ == "__main__":
    sys.exit(main())
