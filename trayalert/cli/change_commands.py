"""Commands that change something: the running instance does it; where none runs, they do it themselves."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from trayalert.cli.command_base import (
    LARGEST_NUMBER,
    alone,
    data_dir_option,
    fail,
    find_own_places,
    json_option,
    open_reader,
)
from trayalert.domain.events import Reread

if TYPE_CHECKING:
    from trayalert.app.platform.places import Places

_TELL_EVERY = 1.0


@click.command()
@data_dir_option
@click.argument("number", metavar="ID", type=click.IntRange(1, LARGEST_NUMBER))
def resolve(number: int) -> None:
    """Mark an incident recovered by hand, as its OK was lost."""
    from trayalert.app.control.control_protocol import ask
    from trayalert.app.platform.clock import now
    from trayalert.services.inbox import resolve_alone

    places = find_own_places()
    with open_reader(places) as reader:
        stored = next(iter(reader.incidents([number])), None) if reader else None
    if stored is None:
        fail(f"there is no incident {number}. `trayalert incidents` lists them.")
    answer = ask(places.socket, {"do": "resolve", "id": number}) if stored.incident.open else {"done": False}
    if answer is None:
        with alone(places):
            answer = {"done": resolve_alone(places.log, number, now=now())}
    if "error" in answer:
        fail(answer["error"])
    click.echo(f"incident {number} is marked recovered" if answer["done"] else f"incident {number} was closed already")


@click.command()
@data_dir_option
@json_option
@click.option("--anew", is_flag=True, help="Begin with the oldest callback, though an earlier run was stopped.")
def reparse(as_json: bool, anew: bool) -> None:
    """Read all stored callbacks again, as a newer trayalert understands more. Nothing is notified.

    It may be stopped at any moment; the next run goes on from there.
    """
    told_at = time.monotonic()
    progress = Reread(0, 0, 0, 0, finished=False)

    def tell(now: Reread) -> None:
        nonlocal told_at, progress
        progress = now
        if not now.finished and time.monotonic() - told_at > _TELL_EVERY:
            told_at = time.monotonic()
            click.echo(f"{now.done:,} of {now.total:,}: {_found(now)}", err=True)

    places = find_own_places()
    if not places.log.exists():
        fail(f"there is no log {places.log} yet, and so nothing to read again.")
    try:
        _read_again(places, anew=anew, tell=tell)
    except KeyboardInterrupt:
        fail(
            f"stopped at {progress.done:,} of {progress.total:,}: {_found(progress)}. The next run goes on from there."
        )
    if as_json:
        click.echo(json.dumps(asdict(progress)))
    else:
        click.echo(f"all stored callbacks were read again: {_found(progress)}")


def _found(progress: Reread) -> str:
    return f"{progress.turned:,} unrecognised ones are alerts now, {progress.refreshed:,} others were refreshed"


def _read_again(places: "Places", *, anew: bool, tell: Callable[[Reread], None]) -> None:
    from trayalert.app.control.control_protocol import ask
    from trayalert.app.platform.clock import now
    from trayalert.services.maintenance.reparse import read_all_again

    while (answer := ask(places.socket, {"do": "reparse", "anew": anew})) is not None:
        if "error" in answer:
            fail(answer["error"])
        progress = Reread(**answer["done"])
        tell(progress)
        if progress.finished:
            return
        anew = False
    with alone(places):
        read_all_again(places.log, now=now(), anew=anew, tell=tell)
