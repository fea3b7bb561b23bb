"""Commands that change something: the running instance does it; where none runs, they do it themselves."""

import click

from trayalert.cli.common import (
    LARGEST_NUMBER,
    alone,
    data_dir_option,
    fail,
    find_own_places,
    open_reader,
    own_settings,
)
from trayalert.domain.times import read_age


@click.command()
@data_dir_option
@click.option("--rotate", is_flag=True, help="Make a new secret.")
@click.option("--grace", default="24h", show_default=True, metavar="DURATION", help="How long the old one holds on.")
def url(rotate: bool, grace: str) -> None:
    """Print the callback URL, secret included, for Cloud Monitor's rules."""
    from trayalert.app.control import ask
    from trayalert.services.secrets import Secrets
    from trayalert.services.status import callback_url

    length = read_age(grace)
    if length is None:
        raise click.BadParameter(f'"{grace}" is no length of time; write 90s, 30m, 24h, 7d or 2w', param_hint="--grace")
    places = find_own_places()
    places.make()
    settings = own_settings(places)
    if rotate:
        answer = ask(places.socket, {"do": "rotate", "grace": length})
        if answer is None:
            from trayalert.app.clock import now

            with alone(places):
                Secrets(places.secrets).rotate(grace=length, now=now())
        elif not answer.get("done"):
            fail(answer.get("error"))
    host, port = settings.host, settings.port
    running = (ask(places.socket, {"do": "status"}) or {}).get("running")
    if running:
        host, port = running["door"]["host"], running["door"]["port"]
    if not port and settings.public_url is None:
        fail(f"port = 0 in {places.settings} picks a free port at each start: start trayalert, then ask again.")
    click.echo(callback_url(settings, host, port, Secrets(places.secrets).present))


@click.command()
@data_dir_option
@click.argument("number", metavar="ID", type=click.IntRange(1, LARGEST_NUMBER))
def resolve(number: int) -> None:
    """Mark an incident recovered by hand, as its OK was lost."""
    from trayalert.app.clock import now
    from trayalert.app.control import ask
    from trayalert.services.inbox import resolve_alone

    places = find_own_places()
    with open_reader(places) as reader:
        stored = next(iter(reader.incidents([number])), None) if reader else None
    if stored is None:
        fail(f"there is no incident {number}. `trayalert incidents` lists them.")
    answer = ask(places.socket, {"do": "resolve", "id": number}) if stored.incident.open else {"done": False}
    if answer is None:
        with alone(places):
            answer = {"done": resolve_alone(places.log, number, now=now())}
    if "error" in answer:
        fail(answer["error"])
    click.echo(f"incident {number} is marked recovered" if answer["done"] else f"incident {number} was closed already")
