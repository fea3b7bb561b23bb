"""The command that gathers what somebody needs who looks into a fault."""

from datetime import UTC, datetime
from pathlib import Path

import click

from trayalert.cli.asking import state_of
from trayalert.cli.common import data_dir_option, fail, find_own_places


@click.command()
@data_dir_option
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write there.")
def diagnostics(output: Path | None) -> None:
    """Gather what helps to look into a fault, in one zip file: no alert and no secret is in it."""
    from trayalert.app.diagnostics import bundle, write
    from trayalert.domain.fault import Fault
    from trayalert.services.checkup import checkup

    places = find_own_places()
    try:
        state = state_of(places)
    except Fault as fault:
        state = {"problem": str(fault)}
    try:
        check = checkup(places.log, others=places.private)
    except Fault as fault:
        check = {"problem": str(fault)}
    path = output or Path(f"trayalert-diagnostics-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip")
    try:
        write(path, bundle(places, state, check))
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror or error}")
    click.echo(f"written to {path}; it holds no alert and no secret")
