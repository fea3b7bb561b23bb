"""Everything that a document names exists: commands, options, targets of make, pages and headings. README is short."""

import itertools
import re
from pathlib import Path

import click
import pytest

from tests.documents.markdown import PAGES, ROOT, code_spans, parsed
from trayalert.cli import main
from trayalert.services.presentation.help_pages import make_slugs

DOCUMENTS = sorted([*ROOT.glob("*.md"), *PAGES.glob("*.md")])
README = ROOT / "README.md"


def anchors(path: Path) -> list[str]:
    """Return the anchors of the headings of a document."""
    headings = (text for token, text in itertools.pairwise(parsed(path)) if token.type == "heading_open")
    return make_slugs(text.content.replace("`", "") for text in headings)


def targets(path: Path) -> list[str]:
    """Return where the links and images of a document lead."""
    children = [child for token in parsed(path) for child in token.children or ()]
    found = [str(child.attrs[name]) for child in children for name in ("href", "src") if name in child.attrs]
    return [target for target in found if not target.startswith("https://")]


def command_problem(words: list[str]) -> str | None:
    """Return what is wrong with a command line of trayalert, given without the program's name."""
    command: click.Command = main
    for word in words:
        if isinstance(command, click.Group) and re.fullmatch(r"[a-z]+", word):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return f"there is no command {word}"
            command = found
        elif match := re.match(r"\[?(-{1,2}[a-z][a-z-]*)", word):
            known = {name for each in (*command.params, *main.params) for name in each.opts} | {"--help", "-h"}
            if match[1] not in known:
                return f"{command.name} has no option {match[1]}"
    return None


def command_lines(path: Path) -> list[str]:
    """Return the command lines of trayalert that a document shows."""
    spans = (span.removeprefix(".venv/bin/") for span in code_spans(path))
    return [span for span in spans if re.match(r"trayalert( |$)", span)]


def test_readme_is_read_in_two_minutes() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 130
    assert not [line for line in lines if len(line) > 120]


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda path: path.name)
def test_a_help_page_can_be_read_as_it_is_printed_without_a_terminal(page: Path) -> None:
    assert not [line for line in page.read_text(encoding="utf-8").splitlines() if len(line) > 160]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_command_that_a_document_shows_is_one(document: Path) -> None:
    wrong = {line: problem for line in command_lines(document) if (problem := command_problem(line.split()[1:]))}

    assert not wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_target_of_make_that_a_document_shows_is_one(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = {match[1] for span in code_spans(document) if (match := re.match(r"make ([a-z]+)", span))}

    assert shown <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_link_of_a_document_leads_somewhere(document: Path) -> None:
    for target in targets(document):
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Run `trayalert statsu`.", True),
        ("Run `trayalert alerts --jsn`.", True),
        ("Run `trayalert secrets add NAME`.", False),
        ("```sh\n.venv/bin/trayalert sent\n```", True),
        ("Run `trayalert --data-dir DIR alerts [--limit 100]`.", False),
    ],
)
def test_a_wrong_command_is_found(tmp_path: Path, text: str, wrong: bool) -> None:
    document = tmp_path / "page.md"
    document.write_text(text)

    assert bool([line for line in command_lines(document) if command_problem(line.split()[1:])]) == wrong
    assert command_lines(document)
