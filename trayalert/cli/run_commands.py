"""The commands that run an instance: the tray application, `trayalert serve` and `trayalert setup`.

Qt and the HTTP server are imported inside the functions that start them, so that other commands load faster.
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
from trayalert.cli.command_base import (
    address_options,
    data_dir_option,
    fail,
    find_own_places,
    print_error,
    read_own_settings,
)
from trayalert.cli.language.own_language import restore_environment, say
from trayalert.domain.fault import Fault
from trayalert.services.access.secrets import SecretFault, Secrets

if TYPE_CHECKING:
    from trayalert.app.receiver import Plan


@click.command()
@data_dir_option
@address_options
def serve(host: str | None, port: int | None) -> None:
    """Receive and store callbacks without a tray icon or a window."""
    from trayalert.app.headless import serve as receive

    with owned_plan("serve", host, port) as plan:
        receive(plan)


@click.command()
@data_dir_option
def setup() -> None:
    """Open the setup assistant.

    The setup assistant shows step by step how to let Cloud Monitor reach this computer. If trayalert is not running,
    the command starts the tray application.
    """
    reply = ask(find_own_places().socket, ShowWindow("setup"))
    if reply is None:
        run_tray(None, None, show_setup=True)
    elif not reply.get("done"):
        fail(
            say(
                "`trayalert serve` runs there, which has no windows. End it, and start trayalert; or write the "
                "settings."
            )
        )
    else:
        click.echo(say("The setup assistant is open."))


former_setup = click.Command("guide", callback=setup.callback, params=setup.params, help=setup.help, hidden=True)
"""The command `setup` under its old name, `guide`."""


def run_tray(host: str | None, port: int | None, *, minimised: bool = False, show_setup: bool = False) -> NoReturn:
    """Run the tray application until it quits, then exit. Exit with status 2 if there is no usable screen."""
    from trayalert.app.platform import screen

    with contextlib.ExitStack() as until_screen_open:
        problem = screen.find_screen_problem(until_screen_open)
        if problem:
            print_error(say("{problem} To receive without a screen, run: trayalert serve", problem=problem))
            sys.exit(2)
        import trayalert.ui  # noqa: F401 - before other imports of Qt, so that Qt loads faster

        try:
            with owned_plan("tray", host, port, minimised=minimised, show_setup=show_setup) as plan:
                from trayalert.app.desktop import run_desktop

                sys.exit(run_desktop(plan, on_screen_open=until_screen_open.close))
        except (PlaceFault, SecretFault) as fault:
            print_error(fault)
            show_startup_error(fault, on_screen_open=until_screen_open.close)


@contextlib.contextmanager
def owned_plan(
    mode: str, host: str | None, port: int | None, *, minimised: bool = False, show_setup: bool = False
) -> Iterator["Plan"]:
    """Hold the data dir's lock while the context is open, and yield the plan for running an instance.

    Raise PlaceFault if the data dir or its lock cannot be used. Raise SecretFault if the secrets cannot be used.

    If another process owns the data dir, exit. If both processes are tray applications, first ask the other process to
    raise its window. The exit status is 0 if the other process has raised its window, and 1 in all other cases.
    """
    from trayalert.app.receiver import Plan

    restore_environment()
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
                    click.echo(say("trayalert runs already; its window is shown."))
                    sys.exit(0)
        fail(say("{error}: {folder}. End it, or name another --data-dir.", error=error, folder=places.data_dir))


@contextlib.contextmanager
def _logged_run(mode: str) -> Iterator[None]:
    """Write the beginning and the end of a run to the program log.

    The program log is needed, because stderr is not visible if the desktop session has started the program.
    """
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
    """Show why the tray application cannot start. Restart this process when the cause is gone.

    If the user quits before the cause is gone, exit with status 0.
    """
    from trayalert.app.backends.startup_error_backend import wait_for_start

    def start() -> None:
        places = find_own_places()
        places.make()
        with contextlib.suppress(AlreadyOwnedError), own_data_dir(places.lock, "tray"):
            Secrets(places.secrets)

    if not wait_for_start(str(fault), start, on_screen_open):
        sys.exit(0)
    arguments = sys.argv if getattr(sys, "frozen", False) else sys.orig_argv
    os.execv(sys.executable, [sys.executable, *arguments[1:]])  # noqa: S606 - this program with its own arguments


def _retry(ask: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Call `ask` for up to about 3 s, until `ask` returns a reply. Return the reply, or None if there was no reply.

    The process that owns the data dir may still be starting, and then does not reply yet.
    """
    for pause in (0.1, 0.2, 0.4, 0.8, 1.6):
        reply = ask()
        if reply is not None:
            return reply
        time.sleep(pause)
    return ask()
