"""`trayalert help`: prints the help pages. The command needs no data dir, no settings and no running instance."""

import difflib
import os
import sys

import click

from trayalert.cli.command_base import data_dir_option
from trayalert.cli.language.own_language import say
from trayalert.domain.text import printable
from trayalert.services.presentation.help_pages import TOPICS, for_terminal, read_page, read_pages, without_images


@click.command("help")
@data_dir_option
@click.argument("topic", required=False)
def show_help(topic: str | None) -> None:
    """Print the help page for TOPIC, or list the topics if TOPIC is left out."""
    if topic is None:
        width = max(map(len, TOPICS))
        for page in read_pages():
            click.echo(f"{page.name:{width}}  {page.title}")
        click.echo("\n" + say("`trayalert help TOPIC` prints a page. `trayalert --help` lists the commands."))
        return
    if topic not in TOPICS:
        raise click.UsageError(_unknown_topic_text(topic))
    text = read_page(topic).text
    if not sys.stdout.isatty():
        click.echo(without_images(text), nl=False)
        return
    from trayalert.cli.terminal_page import render_page  # noqa: PLC0415 - rich takes long to load

    os.environ.setdefault("LESS", "-FRX")  # Git's options: show colours, and exit if the page fits the terminal
    click.echo_via_pager(render_page(for_terminal(text)))


def _unknown_topic_text(topic: str) -> str:
    shown = printable(topic, limit=80)
    near = difflib.get_close_matches(topic.lower(), TOPICS, n=1, cutoff=0.4)
    if near:
        return say(
            "There is no help page {topic}. Did you mean {near}? `trayalert help` lists the pages.",
            topic=shown,
            near=near[0],
        )
    return say("There is no help page {topic}. `trayalert help` lists the pages.", topic=shown)
