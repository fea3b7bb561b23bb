"""The command that lists what is expected to report, and how it stands."""

import json

import click

from trayalert.cli.command_base import (
    data_dir_option,
    find_own_places,
    json_option,
    open_reader,
    own_settings,
    set_utf8_output,
)
from trayalert.domain.times import iso


@click.command()
@data_dir_option
@json_option
def expected(as_json: bool) -> None:
    """List the expected callbacks, and which of them are silent."""
    from trayalert.app.control.control_protocol import ask
    from trayalert.app.platform.state_store import StateStore
    from trayalert.clock import now
    from trayalert.services.heartbeat.history import expected_records

    places = find_own_places()
    settings = own_settings(places)
    listening = ask(places.socket, {"do": "status"}) is not None
    with open_reader(places) as reader:
        memory = StateStore(places.state_file)
        rows = expected_records(reader, settings.expected, memory, now=now(), listening=listening)
    if as_json:
        set_utf8_output()
        for row in rows:
            moments = {"last_at": iso(row["last_at"]), "due_at": iso(row["due_at"])}
            click.echo(json.dumps(row | moments, ensure_ascii=False))
        return
    from trayalert.services.presentation.terminal_tables import expected_callback_lines

    if not rows:
        click.echo("nothing is expected: the settings have no [[expected]]", err=True)
        return
    for line in expected_callback_lines(rows):
        click.echo(line)
