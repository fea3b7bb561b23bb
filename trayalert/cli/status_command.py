"""`trayalert status`: shows the state of the program and its log."""

import contextlib
from typing import Any

import click

from trayalert.app.control.control_protocol import GetStatus, VerifyLog, ask
from trayalert.app.diagnostics.crashes import CrashFiles
from trayalert.app.platform.places import Places, read_settings
from trayalert.cli.command_base import data_dir_option, find_own_places, json_option, print_json, print_lines
from trayalert.cli.language.own_language import own_language
from trayalert.cli.log_access import open_reader
from trayalert.clock import now
from trayalert.domain.fault import Fault
from trayalert.domain.incident.stored_alert import Totals
from trayalert.domain.phrase import Phrase
from trayalert.services.maintenance.log_check import backup_summary_record
from trayalert.services.presentation.status import NO_TOTALS, read_instance_status
from trayalert.services.presentation.status import status as compose
from trayalert.services.presentation.terminal_tables import status_lines


@click.command()
@data_dir_option
@json_option
def status(as_json: bool) -> None:
    """Show the state of trayalert and its log."""
    state = state_of(find_own_places())
    if as_json:
        print_json(state)
    else:
        print_lines(status_lines(state, own_language(), now=now()))


def state_of(places: Places) -> dict[str, Any]:
    """Return the JSON object that `trayalert status --json` prints.

    If the log cannot be read, the object contains a sentence that says why.
    """
    settings, problems = read_settings(places)
    reply = ask(places.socket, GetStatus())
    running = read_instance_status(reply["running"]) if reply and "running" in reply else None
    totals: Totals | None = None
    log_problem: str | None = None
    try:
        with open_reader(places) as reader:
            totals = reader.totals() if reader else NO_TOTALS
    except Fault as fault:
        log_problem = str(fault)
    if running and totals is NO_TOTALS and not places.log.exists():
        totals = None
        log_problem = Phrase("the log {log} is gone; the running trayalert writes it again.", log=places.log)
        with contextlib.suppress(Fault):
            ask(places.socket, VerifyLog())  # the instance may not have noticed that its log is gone
    state = compose(
        settings=settings,
        problems=problems,
        totals=totals,
        log_problem=log_problem,
        crashes=tuple(map(str, CrashFiles(places.crashes, str).unseen())),
        running=running,
        data_dir=str(places.data_dir),
    )
    return state | backup_summary_record(places.log)
