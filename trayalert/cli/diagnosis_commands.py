"""The commands for the analysis of a fault: what is wrong here, and what its developers need to know."""

import io
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from trayalert.app.diagnostics.bundle import make_bundle, write_bundle
from trayalert.app.platform.places import Places
from trayalert.cli.command_base import data_dir_option, fail, find_own_places, json_option, print_json, print_lines
from trayalert.cli.status_command import state_of
from trayalert.domain.check_result import Check
from trayalert.domain.fault import Fault
from trayalert.services.maintenance.log_check import check_data_dir

_INDENT = 21


@click.command()
@data_dir_option
@json_option
def doctor(as_json: bool) -> None:
    """Look at everything that trayalert needs, and say what is wrong and what to do. It changes nothing."""
    checks, found = _examine(find_own_places(), logging.NullHandler())  # a traceback is for `trayalert diagnostics`
    if as_json:
        print_json(found)
    else:
        print_lines(line for check in checks for line in _lines(check))
    if not found["ok"]:
        click.get_current_context().exit(1)


def _lines(check: Check) -> list[str]:
    do = [" " * _INDENT + check.do] if check.do else []
    return [f"{check.verdict:<5} {check.name:<14} {check.said}", *do]


@click.command()
@data_dir_option
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write there.")
def diagnostics(output: Path | None) -> None:
    """Gather what helps to look into a fault, in one zip file, with no alert, no secret and no name in it."""
    places = find_own_places()
    log_output = io.StringIO()
    doctor = _examine(places, logging.StreamHandler(log_output))[1] | {"faults": log_output.getvalue()}
    try:
        state = state_of(places)
    except Fault as fault:
        state = {"problem": str(fault)}
    try:
        check = check_data_dir(places.log, private_files=places.private)
    except Fault as fault:
        check = {"problem": str(fault)}
    path = output or Path(f"trayalert-diagnostics-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip")
    try:
        write_bundle(path, make_bundle(places, state, check, doctor))
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror or error}")
    click.echo(f"written to {path}; it holds no alert and no secret, and a code in the place of each id and name")


def _examine(places: Places, handler: logging.Handler) -> tuple[Sequence[Check], dict[str, Any]]:
    """Return the doctor's checks, and their object. `handler` gets what is logged meanwhile."""
    from trayalert.app.diagnostics.doctor.doctor import doctor_record, examine  # noqa: PLC0415 - `--help` can do without

    logging.getLogger().addHandler(handler)
    checks = examine(places)
    return checks, doctor_record(checks)
