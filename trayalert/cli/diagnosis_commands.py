"""`trayalert doctor` and `trayalert diagnostics`.

`doctor` finds problems, and `diagnostics` collects what developers need in order to analyse a problem.
"""

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
from trayalert.cli.language.own_language import render, say
from trayalert.cli.status_command import state_of
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.fault import Fault, os_reason
from trayalert.domain.phrase import N_
from trayalert.domain.text import display_width
from trayalert.services.maintenance.log_check import check_data_dir

_INDENT = 21
_VERDICTS = {Verdict.OK: N_("ok"), Verdict.WARN: N_("warn"), Verdict.FAIL: N_("fail"), Verdict.WAIT: N_("wait")}


@click.command()
@data_dir_option
@json_option
def doctor(as_json: bool) -> None:
    """Check everything that trayalert needs to work.

    Each line shows the result of one check and, if something is wrong, what to do. The command changes nothing.
    """
    # this handler discards tracebacks, which only `trayalert diagnostics` collects
    checks, found = _examine(find_own_places(), logging.NullHandler())
    if as_json:
        print_json(found)
    else:
        print_lines(line for check in checks for line in _lines(check))
    if not found["ok"]:
        click.get_current_context().exit(1)


def _lines(check: Check) -> list[str]:
    verdict, name = _padded(say(_VERDICTS[check.verdict]), 5), _padded(render(check.name), 14)
    do = [" " * _INDENT + render(check.do)] if check.do else []
    return [f"{verdict} {name} {render(check.said)}", *do]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


@click.command()
@data_dir_option
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Path of the zip file."
)
def diagnostics(output: Path | None) -> None:
    """Write a zip file that helps developers to analyse a problem.

    The file contains no alerts and no secrets. Each id and name is replaced with a code.
    """
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
        fail(say("{path} cannot be written: {reason}", path=path, reason=os_reason(error)))
    click.echo(
        say(
            "written to {path}; it holds no alert and no secret, and a code in the place of each id and name", path=path
        )
    )


def _examine(places: Places, handler: logging.Handler) -> tuple[Sequence[Check], dict[str, Any]]:
    """Return the doctor's checks and their JSON object. `handler` receives the log records of the checks."""
    from trayalert.app.diagnostics.doctor.doctor import doctor_record, examine  # noqa: PLC0415 - `--help` does not need it

    logging.getLogger().addHandler(handler)
    checks = examine(places)
    return checks, doctor_record(checks)
