"""Shows the help of click's commands in the user's language, wrapped by the width of its characters.

A Chinese character is two columns wide, and a line may be broken after it. Click breaks lines only at spaces.
"""

import re
from collections.abc import Iterable
from weakref import WeakKeyDictionary

import click

from trayalert.cli.language.own_language import say
from trayalert.domain.text import display_width

_WIDE = "\u2e80-\uffef"
_OPENING = r"（《【「『“‘(\["
_CLOSING = r"，。；：、！？）》】」』”’…,.;:!?)\]"
_PIECE = rf"\s+|[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}]+)[{_CLOSING}]*"
"""Matches spaces, a word, or a Chinese character, with the punctuation that must not end or begin a line.

The pattern is compiled when help is shown, because compiling takes 3 ms.
"""
_SENTENCE_END = r"。|\.(?=\s|$)"


_ENGLISH: WeakKeyDictionary[click.Command | click.Option, str] = WeakKeyDictionary()
"""The English help of what has been translated, because a process may show help in several languages."""


def joined_lines(text: str) -> str:
    """Return the text of a docstring with each paragraph in one line. The catalogue contains this text."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def translate_help(command: click.Command) -> None:
    """Translate the help of a command, of its options and of its subcommands.

    Called when help is about to be shown, because a command without help does not need the catalogue.
    """
    if command.help:
        command.help = say(joined_lines(_ENGLISH.setdefault(command, command.help)))
        command.short_help = re.split(_SENTENCE_END, command.help, maxsplit=1)[0]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = say(_ENGLISH.setdefault(parameter, parameter.help))
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            translate_help(subcommand)


class _WideFormatter(click.HelpFormatter):
    def write_heading(self, heading: str) -> None:
        self.write(f"{'':{self.current_indent}}{say('{heading}:', heading=heading)}\n")

    def write_text(self, text: str) -> None:
        width = self.width - self.current_indent
        for place, paragraph in enumerate(text.split("\n\n")):
            self.write("\n" if place else "")
            for line in wrapped(paragraph, width):
                self.write(f"{'':{self.current_indent}}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        rows = list(rows)
        first = min(max(display_width(term) for term, _ in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for term, definition in rows:
            lines = wrapped(definition, max(self.width - self.current_indent - first, 10))
            fits = display_width(term) + col_spacing <= first
            begun = lines.pop(0) if fits and lines else ""
            self.write(f"{indent}{term}{' ' * (first - display_width(term))}{begun}".rstrip() + "\n")
            for line in lines:
                self.write(f"{indent}{'':{first}}{line}\n")


class HelpContext(click.Context):
    """The context of a command whose help and usage are shown in the user's language."""

    formatter_class = _WideFormatter

    def make_formatter(self) -> click.HelpFormatter:
        """Translate the help of the command, and return the object that formats the help."""
        translate_help(self.command)
        option = self.command.get_help_option(self)
        if option:
            option.help = say("Show this message and exit.")
        return super().make_formatter()


def wrapped(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` columns. Only a word that is longer makes a longer line."""
    lines, line = [], ""
    for piece in re.findall(_PIECE, text):
        if line.strip() and display_width((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines
