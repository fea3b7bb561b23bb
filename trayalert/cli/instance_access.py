"""Changes through the running instance, or without one: then the command owns the data dir meanwhile."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import click

from trayalert.app.control.control_protocol import DEADLINE, Command, ask
from trayalert.app.control.ownership import AlreadyOwnedError, own_data_dir
from trayalert.app.platform.places import Places
from trayalert.cli.command_base import fail


def carry_out(places: Places, command: Command, *, offline: Callable[[], Any], deadline: float = DEADLINE) -> Any:
    """Return what the running instance did, or what `offline` returns if none runs.

    If the instance could not do it, the command fails with the sentence of the reply. Raise ControlFault.
    """
    reply = ask(places.socket, command, deadline=deadline)
    if reply is None:
        with without_instance(places):
            return offline()
    if "done" not in reply:
        fail(reply.get("error"))
    return reply["done"]


@contextlib.contextmanager
def without_instance(places: Places) -> Iterator[None]:
    """Own the data dir for one change, as there is no running instance to ask."""
    try:
        with own_data_dir(places.lock, click.get_current_context().info_name or ""):
            yield
    except AlreadyOwnedError as error:
        fail(f"{error} and does not answer: {places.data_dir}. End it first.")
