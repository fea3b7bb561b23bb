"""Commands that change the log: through the running instance, or directly if no instance is running."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from trayalert.app.control.control_protocol import ReparseSome, ResolveIncident, ask
from trayalert.app.platform.places import Places
from trayalert.cli.command_base import LARGEST_NUMBER, data_dir_option, fail, find_own_places, json_option
from trayalert.cli.instance_access import carry_out, without_instance
from trayalert.cli.language.own_language import say
from trayalert.cli.log_access import open_reader
from trayalert.clock import now
from trayalert.domain.events import ReparseProgress
from trayalert.domain.phrase import Phrase

_PROGRESS_SECONDS = 1.0


@click.command()
@data_dir_option
@click.argument("number", metavar="ID", type=click.IntRange(1, LARGEST_NUMBER))
def resolve(number: int) -> None:
    """Manually mark an incident as recovered.

    Use this command for an incident that is over, but whose OK never arrived.
    """
    places = find_own_places()
    with open_reader(places) as reader:
        stored = next(iter(reader.incidents([number])), None) if reader else None
    if stored is None:
        fail(say("there is no incident {number}. `trayalert incidents` lists them.", number=number))

    def offline() -> bool:
        from trayalert.services.inbox import resolve_offline  # noqa: PLC0415 - loads all callback parsers

        return resolve_offline(places.log, number, now=now())

    done = stored.incident.open and carry_out(places, ResolveIncident(number), offline=offline)
    if done:
        click.echo(say("incident {number} is marked recovered", number=number))
    else:
        click.echo(say("incident {number} was closed already", number=number))


@click.command()
@data_dir_option
@json_option
@click.option("--anew", is_flag=True, help="Start with the oldest callback, even if an earlier run was stopped.")
def reparse(as_json: bool, anew: bool) -> None:
    """Read all stored callbacks again with the current parsers.

    A newer version of trayalert may be able to read more callbacks. In that case, unrecognised callbacks become alerts,
    and the fields of other alerts are updated. No notifications are shown. You can stop the command at any time. The
    next run continues where the last run stopped.
    """
    reported_at = time.monotonic()
    progress = ReparseProgress(0, 0, 0, 0, finished=False)

    def report(latest: ReparseProgress) -> None:
        nonlocal reported_at, progress
        progress = latest
        if not latest.finished and time.monotonic() - reported_at > _PROGRESS_SECONDS:
            reported_at = time.monotonic()
            click.echo(say("{done:,} of {total:,}: {counts}", **_values(latest)), err=True)

    places = find_own_places()
    if not places.log.exists():
        fail(say("there is no log {log} yet, and so nothing to read again.", log=places.log))
    try:
        _reparse(places, anew=anew, report=report)
    except KeyboardInterrupt:
        fail(say("stopped at {done:,} of {total:,}: {counts}. The next run goes on from there.", **_values(progress)))
    if as_json:
        click.echo(json.dumps(asdict(progress)))
    else:
        click.echo(say("all stored callbacks were read again: {counts}", **_values(progress)))


def _values(progress: ReparseProgress) -> dict[str, Any]:
    """Return the values of a text about a reparse. `counts` is a clause about what has changed."""
    counts = Phrase(
        "{turned:,} unrecognised ones are alerts now, {refreshed:,} others were refreshed",
        turned=progress.turned,
        refreshed=progress.refreshed,
    )
    return {"done": progress.done, "total": progress.total, "counts": counts}


def _reparse(places: Places, *, anew: bool, report: Callable[[ReparseProgress], None]) -> None:
    while (reply := ask(places.socket, ReparseSome(anew=anew))) is not None:
        if "error" in reply:
            fail(reply["error"])
        progress = ReparseProgress(**reply["done"])
        report(progress)
        if progress.finished:
            return
        anew = False
    from trayalert.services.maintenance.reparse import reparse_offline  # noqa: PLC0415 - loads all callback parsers

    with without_instance(places):
        reparse_offline(places.log, now=now(), restart=anew, report=report)
