"""Renders a help page for a terminal. No other module uses rich.

Code blocks are shown in the terminal's own colours. By default, rich shows code blocks on a dark background, which
looks like a black box in a light terminal. Rich's default also needs a lexer for each language.
"""

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, TableElement
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

_THEME = Theme({"markdown.code": "bold", "markdown.code_block": "cyan", "markdown.h1": "bold underline"})


class _LeftHeading(Heading):
    LEVEL_ALIGN = {}  # noqa: RUF012 - overrides rich's dict, which centres level-1 headings


class _PlainCode(CodeBlock):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in str(self.text).rstrip().split("\n"):
            # the terminal breaks a line that is too long, so that it can be copied as one line
            yield Text(f"    {line}", style=self.style_name, no_wrap=True, overflow="ignore")


class _FoldedTable(TableElement):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in super().__rich_console__(console, options):
            if isinstance(part, Table):
                for column in part.columns:
                    column.overflow = "fold"  # rich would cut off the end of a long word, such as a URL
            yield part


class _HelpMarkdown(Markdown):
    elements = Markdown.elements | {
        "heading_open": _LeftHeading,
        "fence": _PlainCode,
        "code_block": _PlainCode,
        "table_open": _FoldedTable,
    }


def render_page(text: str) -> str:
    """Render Markdown for the terminal at stdout. The text fits the terminal's width and number of colours."""
    console = Console(theme=_THEME, highlight=False)
    with console.capture() as capture:
        console.print(_HelpMarkdown(text), crop=False)
    return capture.get()
