"""`trayalert autostart`: turns autostart of the tray application on or off, or shows whether it is on."""

import json

import click

from trayalert.app.platform.autostart import autostart_enabled, set_autostart
from trayalert.cli.command_base import data_dir_option, fail, find_own_places, json_option
from trayalert.cli.language.own_language import say


@click.command()
@data_dir_option
@json_option
@click.argument("wanted", metavar="[on|off]", type=click.Choice(["on", "off"]), required=False)
def autostart(as_json: bool, wanted: str | None) -> None:
    """Turn autostart on or off, or show whether autostart is on.

    With autostart, trayalert starts with the desktop session, in the tray and without a window. Without an argument,
    the command prints whether autostart is on.
    """
    if wanted is not None:
        set_autostart(wanted == "on", find_own_places())
    enabled = autostart_enabled()
    if as_json:
        click.echo(json.dumps({"autostart": enabled}))
    elif enabled is None:
        fail(say("this system has no place for programs that start with the session."))
    elif enabled:
        click.echo(say("trayalert starts with the session"))
    else:
        click.echo(say("trayalert does not start with the session"))
