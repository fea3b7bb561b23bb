"""Commands that change something: the running instance does it; where none runs, they do it themselves."""

import click

from trayalert.cli.common import (
    LARGEST_NUMBER,
    alone,
    data_dir_option,
    fail,
    find_own_places,
    open_reader,
)


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
