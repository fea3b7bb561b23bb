"""Commands that read the log and change nothing; they need no running program."""

import contextlib
import json
from typing import Any

import click

from trayalert.app.platform.own_language import own_language
from trayalert.app.platform.places import Places, read_settings
from trayalert.cli.command_base import (
    LARGEST_NUMBER,
    data_dir_option,
    fail,
    find_own_places,
    json_option,
    open_reader,
    own_settings,
    set_utf8_output,
)
from trayalert.domain.times import read_moment


@click.command()
@data_dir_option
@json_option
def status(as_json: bool) -> None:
    """Say how the program and its log are."""
    state = state_of(find_own_places())
    if as_json:
        set_utf8_output()
        click.echo(json.dumps(state, ensure_ascii=False))
        return
    from trayalert.services.presentation.terminal_tables import status_lines

    for line in status_lines(state):
        click.echo(line)


def state_of(places: Places) -> dict[str, Any]:
    """Return the object of `status`; a log that cannot be read is a sentence in it."""
    from trayalert.app.control.control_protocol import ask
    from trayalert.app.diagnostics.crashes import CrashFiles
    from trayalert.domain.fault import Fault
    from trayalert.domain.incident.stored import Totals
    from trayalert.services.maintenance.log_check import backup_summary_record
    from trayalert.services.presentation.status import NO_TOTALS, read_instance_status
    from trayalert.services.presentation.status import status as compose

    settings, problems = read_settings(places)
    reply = ask(places.socket, {"do": "status"})
    running = read_instance_status(reply["running"]) if reply and "running" in reply else None
    totals: Totals | None = None
    log_problem = None
    try:
        with open_reader(places) as reader:
            totals = reader.totals() if reader else NO_TOTALS
    except Fault as fault:
        log_problem = str(fault)
    if running and totals is NO_TOTALS and not places.log.exists():
        totals, log_problem = None, f"the log {places.log} is gone; the running trayalert writes it again."
        with contextlib.suppress(Fault):
            ask(places.socket, {"do": "verify"})  # it may not have seen that
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


@click.command()
@data_dir_option
@json_option
@click.option("--limit", type=click.IntRange(0, LARGEST_NUMBER), default=100, show_default=True)
@click.option(
    "--after", type=click.IntRange(0, LARGEST_NUMBER), metavar="ID", help="Those behind this one, oldest first."
)
@click.option("--search", metavar="TEXT", help="Those with this text in them.")
@click.option("--raw", is_flag=True, help="With the body as it came (base64; with --json).")
def alerts(as_json: bool, limit: int, after: int | None, search: str | None, raw: bool) -> None:
    """List alerts, the newest first."""
    from trayalert.services.access.source_address import SourceAddresses
    from trayalert.services.presentation.json_records import alert_record, json_line
    from trayalert.services.presentation.links import link_table

    places = find_own_places()
    settings = own_settings(places)
    links, source_addresses, language = link_table(settings), SourceAddresses(settings), own_language(settings)
    with open_reader(places) as reader:
        found = reader.alerts(limit=limit, after=after, search=search, raw=raw) if reader else ()
        if as_json:
            set_utf8_output()
            for stored in found:
                click.echo(json_line(alert_record(stored, links, source_addresses, language)))
            return
        from trayalert.services.presentation.terminal_tables import alert_lines

        for line in alert_lines(found, language):
            click.echo(line)


@click.command()
@data_dir_option
@json_option
@click.option("--open", "only_open", is_flag=True, help="Only what still burns.")
def incidents(as_json: bool, only_open: bool) -> None:
    """List incidents, the newest first."""
    from trayalert.clock import now
    from trayalert.services.presentation.json_records import incident_record, json_line, mute_period
    from trayalert.services.presentation.links import link_table

    places = find_own_places()
    settings = own_settings(places)
    links = link_table(settings)
    with open_reader(places) as reader:
        found = reader.every_incident(only_open=only_open) if reader else ()
        if as_json:
            set_utf8_output()
            for stored in found:
                record = incident_record(stored, links, now=now(), mute_period=mute_period(settings))
                click.echo(json_line(record))
            return
        from trayalert.services.presentation.terminal_tables import incident_lines

        for line in incident_lines(found, own_language(settings), now=now(), mute_period=mute_period(settings)):
            click.echo(line)


@click.command()
@data_dir_option
@json_option
@click.option("--limit", type=click.IntRange(0, LARGEST_NUMBER), default=100, show_default=True)
def gaps(as_json: bool, limit: int) -> None:
    """List the spans in which no callback could come in, the newest first."""
    from trayalert.clock import now
    from trayalert.services.presentation.json_records import gap_record, json_line
    from trayalert.services.presentation.terminal_tables import gap_lines

    with open_reader(find_own_places()) as reader:
        found = reader.gaps(limit=limit) if reader else []
    if as_json:
        set_utf8_output()
    lines = (json_line(gap_record(gap, now=now())) for gap in found) if as_json else gap_lines(found, now=now())
    for line in lines:
        click.echo(line)


@click.command()
@data_dir_option
@click.option("--format", "form", type=click.Choice(["csv", "json"]), required=True)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write there, instead of to stdout."
)
@click.option(
    "--since", metavar="TIME", help="From this arrival on: 2026-11-23, 2026-11-23T08:00, or an age such as 24h."
)
@click.option("--until", metavar="TIME", help="Up to this arrival.")
def export(form: str, output: str | None, since: str | None, until: str | None) -> None:
    """Write alerts out as CSV, or as JSON with one object a line; the oldest first."""
    from trayalert.services.access.source_address import SourceAddresses
    from trayalert.services.presentation.export import write_alerts
    from trayalert.services.presentation.links import link_table

    set_utf8_output()
    bounds = _moment(since, "--since", 0), _moment(until, "--until", LARGEST_NUMBER)
    places = find_own_places()
    settings = own_settings(places)
    with open_reader(places) as reader:
        found = reader.alerts_between(*bounds) if reader else iter(())
        try:
            links, source_addresses, language = link_table(settings), SourceAddresses(settings), own_language(settings)
            count = write_alerts(found, links, source_addresses, language, file_format=form, output=output)
        except BrokenPipeError:
            raise
        except OSError as error:
            fail(f"{output or 'stdout'} cannot be written: {error.strerror or error}")
    if output:
        click.echo(f"{count} alerts written to {output}", err=True)


def _moment(text: str | None, option: str, otherwise: int) -> int:
    from trayalert.clock import now

    if text is None:
        return otherwise
    moment = read_moment(text, now=now())
    if moment is None:
        raise click.BadParameter(f'"{text}" is no time; write 2026-11-23, 2026-11-23T08:00 or 24h', param_hint=option)
    return moment
