"""`trayalert help`, with and without a terminal."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.program import CompletedCommand, environment, run, run_in_terminal
from trayalert.cli import main
from trayalert.services.presentation.help_pages import TOPICS, read_page, read_pages, without_images

ESCAPE = re.compile(r"\x1b\[[\d;]*m")


def show(tmp_path: Path, topic: str, *, columns: int = 60) -> CompletedCommand:
    """Run `help` in a terminal, whose pager names itself."""
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho paged\nexec cat\n")
    pager.chmod(0o755)
    command = [sys.executable, "-m", "trayalert", "help", topic]
    env = environment(PAGER=str(pager), TERM="xterm-256color", COLUMNS=None)
    return run_in_terminal(command, columns=columns, env=env)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["help", *arguments])


def test_it_lists_the_topics_with_their_titles_and_says_how_to_go_on() -> None:
    lines = invoke().stdout.splitlines()
    listed = [tuple(line.split(maxsplit=1)) for line in lines[: len(TOPICS)]]
    assert listed == [(page.name, page.title) for page in read_pages()]
    assert lines[len(TOPICS) :] == [
        "",
        "`trayalert help TOPIC` prints a page. `trayalert --help` lists the commands.",
    ]


@pytest.mark.parametrize("topic", TOPICS)
def test_without_a_terminal_it_prints_the_markdown_with_images_as_text(topic: str) -> None:
    done = invoke(topic)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == without_images(read_page(topic).text)
    assert "../images/" not in done.stdout


@pytest.mark.parametrize("columns", [60, 120])
def test_in_a_terminal_a_pager_shows_the_page_as_wide_as_the_terminal(tmp_path: Path, columns: int) -> None:
    done = show(tmp_path, "incidents", columns=columns)
    first, *lines = ESCAPE.sub("", done.out).rstrip("\n").split("\n")
    assert (done.status, first) == (0, "paged")
    assert lines[0].strip() == read_page("incidents").title
    assert {len(line) for line in lines if not line.startswith("    ")} <= set(range(columns + 1))
    assert columns - 12 < max(map(len, lines))
    text = "\n".join(lines)
    assert not re.search(r"^#|\]\(|images/", text, re.MULTILINE)


@pytest.mark.parametrize("topic", TOPICS)
def test_in_a_narrow_terminal_nothing_of_a_page_is_cut_off(tmp_path: Path, topic: str) -> None:
    done = show(tmp_path, topic, columns=60)
    assert done.out.count("\u2026") == read_page(topic).text.count("\u2026")


@pytest.mark.parametrize(
    ("topic", "suggestion"),
    [("conection", " Did you mean connection?"), ("Setting", " Did you mean settings?"), ("qqqq", ""), ("", "")],
)
def test_an_unknown_topic_is_wrong_use_and_the_nearest_one_is_named(topic: str, suggestion: str) -> None:
    done = invoke(topic)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"There is no help page {topic}.{suggestion} `trayalert help` lists the pages.\n")


def test_it_works_with_broken_settings_and_a_data_dir_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "settings.toml").write_text("port = [")
    folder.chmod(0)
    try:
        done = run("help", "settings", data_dir=folder, privileged=False)
    finally:
        folder.chmod(0o700)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("# ")
