"""Access to the log: reading it beside a running instance, and owning the data dir if there is none."""

import contextlib
from collections.abc import Iterator

import click

from trayalert.app.control.control_protocol import ask
from trayalert.app.control.ownership import AlreadyOwnedError, own_data_dir
from trayalert.app.platform.places import Places
from trayalert.cli.command_base import fail
from trayalert.domain.fault import Fault
from trayalert.storage.faults import DamagedLog, NoLog
from trayalert.storage.reader import Reader


@contextlib.contextmanager
def open_reader(places: Places) -> Iterator[Reader | None]:
    """Open the log for reading; None if there is none yet. Have a running instance look at damage that is found.

    The instance only appends to the file and may not have seen the damage.
    """
    try:
        try:
            reader = Reader(places.log)
        except NoLog:
            yield None
            return
        with contextlib.closing(reader):
            yield reader
    except DamagedLog:
        with contextlib.suppress(Fault):
            ask(places.socket, {"do": "verify"})
        raise


@contextlib.contextmanager
def without_instance(places: Places) -> Iterator[None]:
    """Own the data dir for one change, as there is no running instance to ask."""
    try:
        with own_data_dir(places.lock, click.get_current_context().info_name or ""):
            yield
    except AlreadyOwnedError as error:
        fail(f"{error} and does not answer: {places.data_dir}. End it first.")
