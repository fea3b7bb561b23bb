"""What all commands share: where things lie, how a fault is told, the log for reading."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import click

from trayalert.app.platform.places import Places, find_places, read_settings
from trayalert.domain.fault import Fault

if TYPE_CHECKING:  # read the log only where a command does
    from trayalert.domain.settings.settings import Settings
    from trayalert.storage.reader import Reader

CommandFunction = Callable[..., Any]
LARGEST_NUMBER = 2**63 - 1


def data_dir_option(command: CommandFunction) -> CommandFunction:
    """Let a command take `--data-dir`, wherever it stands."""

    def store(context: click.Context, _: click.Parameter, value: str | None) -> str | None:
        if value is not None:
            context.find_root().meta["data_dir"] = value
        return value

    return click.option(
        "--data-dir",
        metavar="DIR",
        callback=store,
        expose_value=False,
        help="Keep settings, log, secrets and lock in this folder (also TRAYALERT_DATA_DIR).",
    )(command)


def json_option(command: CommandFunction) -> CommandFunction:
    """Let a command take `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Machine output.")(command)


def find_own_places() -> Places:
    """Return the places of the data dir that was named. Raise PlaceFault."""
    meta = click.get_current_context().find_root().meta
    return find_places(meta.get("data_dir") or os.environ.get("TRAYALERT_DATA_DIR"))


def fail(text: object) -> NoReturn:
    """Say what is wrong and end with 1."""
    click.echo(f"trayalert: {text}", err=True)
    sys.exit(1)


def own_settings(places: Places) -> "Settings":
    """Read the settings; their problems go to stderr."""
    settings, problems = read_settings(places)
    for problem in problems:
        click.echo(f"trayalert: {problem}", err=True)
    return settings


def set_utf8_output() -> None:
    """Machine output is UTF-8, whatever people read here."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


class FaultReportingGroup(click.Group):
    """Tells the world's faults in one sentence; a traceback is for a fault of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # what a terminal of one language cannot show
        try:
            return super().invoke(ctx)
        except Fault as fault:
            fail(fault)
        except BrokenPipeError:  # `trayalert alerts | head` has seen enough
            sys.stderr.close()
            os._exit(0)
        except OSError as error:  # a full disk under stdout, a folder that may not be entered
            click.echo(f"trayalert: {error}", err=True)
            sys.stderr.flush()
            os._exit(1)  # a flush of what stdout did not take would fail once more


@contextlib.contextmanager
def open_reader(places: Places) -> "Iterator[Reader | None]":
    """Open the log for reading; None where there is none yet. Damage is told to the running instance, if there is one.

    Who only adds to the end of the file may not have seen it.
    """
    from trayalert.app.control.control_protocol import ask
    from trayalert.storage.faults import DamagedLog, NoLog
    from trayalert.storage.reader import Reader

    try:
        try:
            reader = Reader(places.log)
        except NoLog:
            yield None
            return
        try:
            yield reader
        finally:
            reader.close()
    except DamagedLog:
        with contextlib.suppress(Fault):
            ask(places.socket, {"do": "verify"})
        raise


@contextlib.contextmanager
def without_instance(places: Places) -> Iterator[None]:
    """Own the data dir for one change, as no instance runs that could be asked."""
    from trayalert.app.control.ownership import AlreadyOwnedError, own_data_dir

    try:
        with own_data_dir(places.lock, click.get_current_context().info_name or ""):
            yield
    except AlreadyOwnedError as error:
        fail(f"{error} and does not answer: {places.data_dir}. End it first.")
