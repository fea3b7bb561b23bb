"""The commands that receive: the tray application and `trayalert serve`.

Each front end, with all that it brings in (Qt, the HTTP server), is imported here once it starts.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import click

from trayalert import __version__
from trayalert.app.control.control_protocol import ControlFault, ShowWindow, ask
from trayalert.app.control.ownership import AlreadyOwnedError, own_data_dir
from trayalert.app.platform.logging_setup import LIFECYCLE_LOGGER, configure_logging
from trayalert.app.platform.places import PlaceFault
from trayalert.cli.command_base import address_options, data_dir_option, fail, find_own_places, read_own_settings
from trayalert.domain.fault import Fault
from trayalert.services.access.secrets import SecretFault, Secrets

if TYPE_CHECKING:
    from trayalert.app.receiver import Plan


@click.command()
@data_dir_option
@address_options
def serve(host: str | None, port: int | None) -> None:
    """Receive and keep callbacks with no window and no tray."""
    from trayalert.app.headless import serve as receive

    with owned_plan("serve", host, port) as plan:
        receive(plan)


@click.command()
@data_dir_option
def guide() -> None:
    """Show how Cloud Monitor gets here, step by step; starts the tray application where none runs."""
    reply = ask(find_own_places().socket, ShowWindow("guide"))
    if reply is None:
        run_tray(None, None, show_setup=True)
    elif not reply.get("done"):
        fail("`trayalert serve` runs there, which has no windows. End it, and start trayalert; or write the settings.")
    else:
        click.echo("the guide is shown")


def run_tray(host: str | None, port: int | None, *, minimised: bool = False, show_setup: bool = False) -> NoReturn:
    """Run the tray application to its end."""
    from trayalert.app.platform import screen

    with contextlib.ExitStack() as until_screen_open:
        problem = screen.find_screen_problem(until_screen_open)
        if problem:
            click.echo(f"trayalert: {problem} To receive without a screen, run: trayalert serve", err=True)
            sys.exit(2)
        import trayalert.ui  # noqa: F401 - before all else that brings Qt in: it makes Qt's start lighter

        try:
            with owned_plan("tray", host, port, minimised=minimised, show_setup=show_setup) as plan:
                from trayalert.app.desktop import run_desktop

                sys.exit(run_desktop(plan, on_screen_open=until_screen_open.close))
        except (PlaceFault, SecretFault) as fault:
            click.echo(f"trayalert: {fault}", err=True)
            show_startup_error(fault, on_screen_open=until_screen_open.close)


@contextlib.contextmanager
def owned_plan(
    mode: str, host: str | None, port: int | None, *, minimised: bool = False, show_setup: bool = False
) -> Iterator["Plan"]:
    """Own the data dir and plan the receiver. A second tray application shows the window of the first and ends."""
    from trayalert.app.receiver import Plan

    places = find_own_places()
    places.make()
    settings, problems = read_own_settings(places)
    if host is not None:
        settings = replace(settings, host=host)
    if port is not None:
        settings = replace(settings, port=port)
    try:
        with own_data_dir(places.lock, mode):
            secrets = Secrets(places.secrets)
            configure_logging(secrets.mask, places.program_log)
            with _logged_run(mode):
                yield Plan(
                    places=places,
                    settings=settings,
                    problems=problems,
                    secrets=secrets,
                    mode=mode,
                    minimised=minimised,
                    show_setup=show_setup,
                )
    except AlreadyOwnedError as error:
        if mode == "tray" and error.owner and error.owner.mode == "tray":
            with contextlib.suppress(ControlFault):
                reply = _retry(lambda: ask(places.socket, ShowWindow()))
                if reply and reply.get("done"):
                    click.echo("trayalert runs already; its window is shown.")
                    sys.exit(0)
        fail(f"{error}: {places.data_dir}. End it, or name another --data-dir.")


@contextlib.contextmanager
def _logged_run(mode: str) -> Iterator[None]:
    """Note begin and end in the program log, as nobody sees the stderr of a program that the session starts."""
    LIFECYCLE_LOGGER.info("trayalert %s (%s, process %d) begins", __version__, mode, os.getpid())
    end = "in good order"
    try:
        yield
    except Fault as fault:
        end = str(fault)
        raise
    except Exception as error:
        end = f"by {type(error).__name__}"
        raise
    finally:
        LIFECYCLE_LOGGER.info("trayalert ends: %s", end)


def show_startup_error(fault: Exception, *, on_screen_open: Callable[[], None]) -> NoReturn:
    """Show what keeps the tray application from starting until that is gone, then start again."""
    from trayalert.app.backends.startup_error_backend import wait_for_start

    def start() -> None:
        places = find_own_places()
        places.make()
        with contextlib.suppress(AlreadyOwnedError), own_data_dir(places.lock, "tray"):
            Secrets(places.secrets)

    if not wait_for_start(str(fault), start, on_screen_open):
        sys.exit(0)
    arguments = sys.argv if getattr(sys, "frozen", False) else sys.orig_argv
    os.execv(sys.executable, [sys.executable, *arguments[1:]])  # noqa: S606 - ourselves, with our own arguments


def _retry(ask: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Ask again for a few seconds, as the owner of the data dir may just be starting."""
    for pause in (0.1, 0.2, 0.4, 0.8, 1.6):
        reply = ask()
        if reply is not None:
            return reply
        time.sleep(pause)
    return ask()
