"""Makes changes through the running instance, or directly if no instance is running.

During a direct change, the command holds the data dir's lock, so that no instance can start.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import click

from trayalert.app.control.control_protocol import DEADLINE, Command, ask
from trayalert.app.control.ownership import AlreadyOwnedError, own_data_dir
from trayalert.app.platform.places import Places
from trayalert.cli.command_base import fail
from trayalert.cli.language.own_language import say


def carry_out(places: Places, command: Command, *, offline: Callable[[], Any], deadline: float = DEADLINE) -> Any:
    """Have the running instance carry out a command, or call `offline` if no instance runs. Return the result.

    If the instance replies with an error, print the error and exit with status 1. Raise ControlFault if the instance
    does not reply within `deadline` seconds.
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
    """Hold the data dir's lock while the context is open, so that no instance can run during a change.

    Exit with status 1 if another process owns the data dir.
    """
    try:
        with own_data_dir(places.lock, click.get_current_context().info_name or ""):
            yield
    except AlreadyOwnedError as error:
        fail(say("{error} and does not answer: {folder}. End it first.", error=error, folder=places.data_dir))
