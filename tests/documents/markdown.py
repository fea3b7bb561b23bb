"""The project's Markdown files, as tables and code that a test compares with the program."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "resources" / "help" / "en"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its whole text, and what is written as code in it."""

    text: str
    codes: tuple[str, ...]


Row = tuple[Cell, ...]
"""The cells of one row, without the table's head."""


def page(name: str) -> Path:
    return PAGES / f"{name}.md"


def parsed(path: Path) -> list[Token]:
    return MarkdownIt().enable("table").parse(path.read_text(encoding="utf-8"))


def table(path: Path, heading: str, *, number: int = 0) -> list[Row]:
    """Return the rows of a table (the first, unless `number` says which) that stands under a heading."""
    tokens, under, seen = parsed(path), "", -1
    rows: list[Row] = []
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            under = token.content
        elif token.type == "table_open" and under == heading:
            seen += 1
        elif token.type == "tr_open" and under == heading and seen == number:
            rows.append(())
        elif before.type == "td_open" and under == heading and seen == number:
            rows[-1] += (_cell(token),)
    assert len(rows) > 1, f"{path.name} has no table {number} under {heading!r}"
    return rows[1:]


def _cell(inline: Token) -> Cell:
    codes = tuple(child.content for child in inline.children or () if child.type == "code_inline")
    return Cell(inline.content, codes)


def codes_of(rows: list[Row], column: int = 0) -> list[str]:
    """Return what is written as code in a column."""
    return [code for row in rows for code in row[column].codes]


def row_of(rows: list[Row], name: str) -> Row:
    """Return the row whose first column has that code."""
    return next(row for row in rows if name in row[0].codes)


def code_spans(path: Path) -> Iterator[str]:
    """Yield every code in the file: spans in text and tables, and the lines of code blocks without their comments."""
    for token in parsed(path):
        if token.type == "fence":
            yield from (line.split(" #")[0].strip() for line in token.content.splitlines())
        yield from (child.content for child in token.children or () if child.type == "code_inline")


def fences(path: Path, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return [token.content for token in parsed(path) if token.type == "fence" and token.info == language]


def text_under(path: Path, heading: str) -> str:
    """Return the source between a heading and the next heading."""
    _, _, rest = path.read_text(encoding="utf-8").partition(f" {heading}\n")
    assert rest, f"{path.name} has no heading {heading!r}"
    return rest.partition("\n#")[0]
