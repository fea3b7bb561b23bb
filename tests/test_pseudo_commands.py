"""What the commands print passes a translation: help, output and errors, in the pseudo language."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.program import ServeProcess, serving
from tests.pseudo import outside_brackets
from tests.storage.making import append, store
from trayalert.cli import main
from trayalert.domain.wording.language import Language

WORD = re.compile(r"[A-Za-z]{2,}")
USAGE = r"main .*", r"[A-Z]{2,}", r"\[[a-z|]+\]", "integer range", "choice"
"""Match what click does not translate: the line with the usage, names of values, and types."""
NAMES = (
    r"https?://\S+",
    r"\[?--?[a-z][a-z-]*", r"[\w.~-]*/[\w./:?=&~-]+", r"trayalert(\.\w+)?", r"\S+=\S+", r"'[^']*'", r'"[^"]*"',
)  # fmt: skip
"""Match what is the same in every language: options, paths, URLs, names of files, settings, and quoted words."""


def untranslated(output: str, *names: str) -> list[str]:
    """Return the English words outside the brackets. `names` match values that the program did not write."""
    rest = outside_brackets(output)
    for pattern in (*NAMES, *names):
        rest = re.sub(pattern, " ", rest)
    return sorted(set(WORD.findall(rest)))


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    """Run an instance, whose own language is English."""
    with serving(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture
def command(pseudo_language: Language, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command in the pseudo language, and return all that it prints."""
    assert pseudo_language is Language.ZH
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    def run(*arguments: str | Path) -> str:
        return CliRunner().invoke(main, [str(each) for each in arguments], env={"COLUMNS": "200"}).output

    return run


def commands(group: click.Group = main, *before: str) -> Iterator[tuple[str, ...]]:
    """Yield the names of all commands and subcommands."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        yield (*before, name)
        if isinstance(found, click.Group):
            yield from commands(found, *before, name)


@pytest.mark.parametrize("names", [(), *commands()], ids=" ".join)
def test_the_help_of_every_command(names: tuple[str, ...], command: Callable[..., str]) -> None:
    options, _, list_of_commands = command(*names, "--help").partition("⟦命令:···⟧\n")
    assert "⟦" in options
    assert untranslated(options, *USAGE) == []
    rows = list_of_commands.splitlines()
    assert [row for row in rows if not re.match(r"  \S+ +⟦|     ", row)] == []


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a data dir whose log holds an alert and its settings two mistakes. No instance runs on it."""
    folder = tmp_path / "data"
    folder.mkdir()
    store(folder / "trayalert.db", append("i-1", alertName="磁盘"))
    (folder / "settings.toml").write_text('langauge = "zh"\nport = "x"\n[[expected]]\nname = "夜间"\nhours = 1\n')
    return folder


SAMPLE = ("CPU", "i-1", "default", "serve")


@pytest.mark.parametrize(
    "arguments",
    [
        "status", "alerts", "incidents", "gaps", "expected", "check", "secrets", "autostart", "doctor", "send",
        "send --sample nothing", "send --url x", "resolve 1", "resolve 99", "reparse", "backup", "restore",
        "restore --list", "secrets add x", "secrets remove nothing", "url", "url --rotate", "url --name nothing",
        "url --rotate --grace 9999d", "export --format csv --since tomorrow", "alerts --after x", "nothing",
        "alerts --nothing", "resolve", "--port 1 status",
    ],
)  # fmt: skip
def test_the_output_of_every_command_without_an_instance(
    arguments: str, data_dir: Path, command: Callable[..., str]
) -> None:
    output = command("--data-dir", data_dir, *arguments.split())
    assert output
    assert untranslated(output, *(USAGE if "用法" in output else SAMPLE)) == []


@pytest.mark.parametrize("arguments", ["status", "send", "secrets", "url", "reparse", "backup", "doctor"])
def test_the_output_of_every_command_for_a_running_instance(
    arguments: str, serve: ServeProcess, command: Callable[..., str]
) -> None:
    output = command("--data-dir", serve.data_dir, *arguments.split())
    assert output
    assert untranslated(output, *SAMPLE) == []


def test_the_check_finds_english_and_leaves_names() -> None:
    assert untranslated("the log /tmp/a.db is full") == ["full", "is", "log", "the"]
    assert untranslated("⟦tĥé löğ /tmp/a.db îš⟧ full") == ["full"]
    assert untranslated("⟦tĥé löğ /tmp/a.db⟧ --data-dir trayalert") == []
