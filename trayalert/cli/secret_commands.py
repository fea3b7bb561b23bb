"""`trayalert url` prints a callback URL. `trayalert secrets` lists, adds and removes the secrets of callback URLs."""

from typing import Any

import click

from trayalert.app.control.control_protocol import AddSecret, GetStatus, KeepSecrets, RemoveSecret, RotateSecret, ask
from trayalert.app.platform.places import Places
from trayalert.cli.command_base import (
    data_dir_option,
    fail,
    find_own_places,
    json_option,
    own_settings,
    print_json,
    print_lines,
)
from trayalert.cli.instance_access import carry_out
from trayalert.cli.language.own_language import own_language, say
from trayalert.cli.log_access import open_reader
from trayalert.clock import now
from trayalert.domain.times import iso, read_age
from trayalert.services.access.secrets import Secrets
from trayalert.services.presentation.status import callback_url, closed_listener, read_instance_status


@click.command()
@data_dir_option
@click.option("--name", metavar="NAME", help="Use the secret with this name; by default the first secret.")
@click.option("--rotate", is_flag=True, help="Replace the secret with a new one first.")
@click.option(
    "--grace", default="24h", show_default=True, metavar="DURATION", help="How long the old secret stays valid."
)
def url(name: str | None, rotate: bool, grace: str) -> None:
    """Print the callback URL for Cloud Monitor's alert rules. The URL contains a secret."""
    length = read_age(grace)
    if length is None:
        problem = say('"{text}" is no length of time; write 90s, 30m, 24h, 7d or 2w', text=grace)
        raise click.BadParameter(problem, param_hint="--grace")
    places = find_own_places()
    places.make()
    settings = own_settings(places)
    if rotate:
        carry_out(
            places,
            RotateSecret(grace=length, name=name),
            offline=lambda: Secrets(places.secrets).rotate(grace=length, now=now(), name=name),
        )
    raw_status = (ask(places.socket, GetStatus()) or {}).get("running")
    running = read_instance_status(raw_status) if raw_status else None
    listener = running.listener if running else closed_listener(settings)
    public_url = (running.reach.public_url if running else None) or settings.public_url
    if not listener.port and public_url is None:
        fail(
            say(
                "port = 0 in {path} picks a free port at each start: start trayalert, then ask again.",
                path=places.settings,
            )
        )
    secrets = _own_secrets(places)
    secret = secrets.current if name is None else secrets.value_of(name)
    click.echo(callback_url(public_url, listener, secret))


@click.group(invoke_without_command=True)
@data_dir_option
@json_option
@click.pass_context
def secrets(context: click.Context, as_json: bool) -> None:
    """List the secrets of the callback URLs.

    For each secret, the list shows how often it was used and when it was last used, but not the secret itself. Each
    sender may have its own secret.
    """
    if context.invoked_subcommand is not None:
        return
    rows = _rows(find_own_places())
    if as_json:
        print_json(*rows)
    else:
        from trayalert.services.presentation.terminal_tables import secret_lines  # noqa: PLC0415 - loads alert modules

        print_lines(secret_lines(rows, own_language(), now=now()))


@secrets.command()
@data_dir_option
@click.argument("name")
def add(name: str) -> None:
    """Add a secret named NAME.

    `trayalert url --name NAME` prints its callback URL.
    """
    places = find_own_places()
    places.make()
    carry_out(places, AddSecret(name), offline=lambda: Secrets(places.secrets).add(name, now=now()))
    click.echo(say("there is a secret {name} now: trayalert url --name {name} prints its URL", name=name))


@secrets.command()
@data_dir_option
@click.argument("name")
def remove(name: str) -> None:
    """Remove the secret named NAME.

    Its callback URL stops working immediately.
    """
    places = find_own_places()
    carry_out(places, RemoveSecret(name), offline=lambda: Secrets(places.secrets).remove(name, now=now()))
    click.echo(say("the secret {name} is gone: its URL opens nothing any more", name=name))


def _own_secrets(places: Places) -> Secrets:
    """Return the secrets. If the secrets file is missing, first ask the running instance to write the file."""
    if not places.secrets.exists():
        ask(places.socket, KeepSecrets())
    return Secrets(places.secrets)


def _rows(places: Places) -> list[dict[str, Any]]:
    """Return a JSON object for each valid secret. The object does not contain the secret itself.

    A secret that was replaced is included until its grace period ends.
    """
    places.make()
    with open_reader(places) as reader:
        uses = {use.name: use for use in (reader.secret_uses() if reader else ())}
    rows = []
    for secret in _own_secrets(places).active(now()):
        use = uses.get(secret.label)
        rows.append(
            {
                "name": secret.name,
                "secret": "***",
                "until": iso(secret.until),
                "deliveries": use.deliveries if use else 0,
                "last_at": iso(use.last_at) if use else None,
            }
        )
    return rows
