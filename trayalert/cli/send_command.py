"""`trayalert send`: sends sample callbacks, the way Cloud Monitor does."""

import sys

import click

from trayalert.app.simulation import own_sender, send_payloads
from trayalert.cli.command_base import data_dir_option, find_own_places, print_error
from trayalert.cli.language.own_language import render, say
from trayalert.services.simulator.client import SAMPLE_TITLES, CallbackSender, sample_body, sample_names


@click.command()
@data_dir_option
@click.option("--sample", metavar="NAME", help="Sample to send (see --list); ecs-cpu by default.")
@click.option("--list", "list_samples", is_flag=True, help="List the samples.")
@click.option("--recover", is_flag=True, help="Send the recovery (OK) that belongs to the alert.")
@click.option("--keep-time", is_flag=True, help="Keep the time in the body instead of the present time.")
@click.option("--url", "target", metavar="URL", help="Send to this URL instead of to the running instance.")
@click.option("--count", type=click.IntRange(1, 1_000_000), default=1, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="Callbacks per second; as fast as possible by default."
)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
def send(
    sample: str | None,
    list_samples: bool,
    recover: bool,
    keep_time: bool,
    target: str | None,
    count: int,
    rate: float | None,
    file: str | None,
) -> None:
    """Send a callback to trayalert, the way Cloud Monitor does.

    The body is a sample or the content of FILE ("-" for stdin). The request has the headers that Cloud Monitor sends.
    If the callback is not accepted, the command sends it up to three more times.
    """
    if list_samples:
        width = max(map(len, sample_names()))
        for name in sample_names():
            click.echo(f"{name:{width}}  {say(SAMPLE_TITLES[name])}")
        return
    if sample and file:
        raise click.UsageError(say("either --sample or a FILE, not both"))
    if file:
        with click.open_file(file, "rb") as stream:
            content = stream.read()
    else:
        content = sample_body(sample or "ecs-cpu")
    sys.exit(
        send_payloads(
            CallbackSender(target) if target else own_sender(find_own_places()),
            content,
            recover=recover,
            keep_time=keep_time,
            count=count,
            rate=rate,
            report=lambda text: click.echo(render(text)),
            report_refusal=print_error,
        )
    )
