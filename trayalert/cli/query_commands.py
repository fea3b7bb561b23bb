"""Commands that only read the log. They work whether or not an instance is running."""

import click

from trayalert.app.platform.state_store import StateStore
from trayalert.cli.command_base import (
    LARGEST_NUMBER,
    data_dir_option,
    fail,
    find_own_places,
    json_option,
    own_settings,
    print_json,
    print_lines,
    set_utf8_output,
)
from trayalert.cli.language.own_language import own_language, say
from trayalert.cli.log_access import open_reader
from trayalert.clock import now
from trayalert.domain.fault import os_reason
from trayalert.domain.times import iso, read_moment
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.heartbeat.report_history import expected_records
from trayalert.services.presentation.export import write_alerts
from trayalert.services.presentation.json_records import (
    alert_record,
    gap_record,
    incident_record,
    json_line,
    mute_period,
)
from trayalert.services.presentation.link_table import link_table
from trayalert.services.presentation.terminal_tables import (
    alert_lines,
    expected_callback_lines,
    gap_lines,
    incident_lines,
)


@click.command()
@data_dir_option
@json_option
@click.option("--limit", type=click.IntRange(0, LARGEST_NUMBER), default=100, show_default=True)
@click.option(
    "--after",
    type=click.IntRange(0, LARGEST_NUMBER),
    metavar="ID",
    help="Only alerts after this one, the oldest first.",
)
@click.option("--search", metavar="TEXT", help="Only alerts that contain this text.")
@click.option("--raw", is_flag=True, help="With --json, include the received body, in base64.")
def alerts(as_json: bool, limit: int, after: int | None, search: str | None, raw: bool) -> None:
    """List the alerts, newest first."""
    places = find_own_places()
    settings = own_settings(places)
    links, source_addresses = link_table(settings), SourceAddresses(settings)
    with open_reader(places) as reader:
        found = reader.alerts(limit=limit, after=after, search=search, raw=raw) if reader else ()
        if as_json:
            records = (alert_record(stored, links, source_addresses) for stored in found)
            print_lines(map(json_line, records), machine=True)
        else:
            print_lines(alert_lines(found, own_language(), now=now()))


@click.command()
@data_dir_option
@json_option
@click.option("--open", "only_open", is_flag=True, help="Only incidents that are still open.")
def incidents(as_json: bool, only_open: bool) -> None:
    """List the incidents, newest first."""
    places = find_own_places()
    settings = own_settings(places)
    links, period = link_table(settings), mute_period(settings)
    with open_reader(places) as reader:
        found = reader.every_incident(only_open=only_open) if reader else ()
        if as_json:
            records = (incident_record(stored, links, now=now(), mute_period=period) for stored in found)
            print_lines(map(json_line, records), machine=True)
        else:
            print_lines(incident_lines(found, own_language(), now=now(), mute_period=period))


@click.command()
@data_dir_option
@json_option
@click.option("--limit", type=click.IntRange(0, LARGEST_NUMBER), default=100, show_default=True)
def gaps(as_json: bool, limit: int) -> None:
    """List the gaps, newest first.

    A gap is a span of time in which no callback could arrive.
    """
    with open_reader(find_own_places()) as reader:
        found = reader.gaps(limit=limit) if reader else []
    if as_json:
        print_lines((json_line(gap_record(gap, now=now())) for gap in found), machine=True)
    else:
        print_lines(gap_lines(found, own_language(), now=now()))


@click.command()
@data_dir_option
@json_option
def expected(as_json: bool) -> None:
    """List the expected callbacks and their states.

    The state "silent" means that a callback is overdue.
    """
    from trayalert.app.control.control_protocol import GetStatus, ask  # noqa: PLC0415 - used here only

    places = find_own_places()
    settings = own_settings(places)
    listening = ask(places.socket, GetStatus()) is not None
    with open_reader(places) as reader:
        store = StateStore(places.state_file)
        rows = expected_records(reader, settings.expected, store, now=now(), listening=listening)
    if as_json:
        print_json(*(row | {"last_at": iso(row["last_at"]), "due_at": iso(row["due_at"])} for row in rows))
    elif rows:
        print_lines(expected_callback_lines(rows, own_language(), now=now()))
    else:
        click.echo(say("nothing is expected: the settings have no [[expected]]"), err=True)


@click.command()
@data_dir_option
@click.option("--format", "form", type=click.Choice(["csv", "json"]), required=True)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write to this file instead of to stdout."
)
@click.option(
    "--since",
    metavar="TIME",
    help="Only alerts received from this time on: 2026-11-23, 2026-11-23T08:00 (UTC), or an age such as 24h.",
)
@click.option("--until", metavar="TIME", help="Only alerts received before this time.")
def export(form: str, output: str | None, since: str | None, until: str | None) -> None:
    """Export alerts as CSV, or as JSON with one object per line. The oldest alert comes first."""
    set_utf8_output()
    bounds = _moment(since, "--since", 0), _moment(until, "--until", LARGEST_NUMBER)
    places = find_own_places()
    settings = own_settings(places)
    with open_reader(places) as reader:
        found = reader.alerts_between(*bounds) if reader else iter(())
        try:
            links, source_addresses = link_table(settings), SourceAddresses(settings)
            count = write_alerts(found, links, source_addresses, file_format=form, output=output)
        except BrokenPipeError:
            raise
        except OSError as error:
            fail(say("{path} cannot be written: {reason}", path=output or "stdout", reason=os_reason(error)))
    if output:
        click.echo(say("{number} alerts written to {path}", number=count, path=output), err=True)


def _moment(text: str | None, option: str, otherwise: int) -> int:
    if text is None:
        return otherwise
    moment = read_moment(text, now=now())
    if moment is None:
        problem = say('"{text}" is no time; write 2026-11-23, 2026-11-23T08:00 or 24h', text=text)
        raise click.BadParameter(problem, param_hint=option)
    return moment
