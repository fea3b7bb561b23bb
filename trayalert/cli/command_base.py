"""What all commands share: their options, the places of the data dir, and how a fault is reported."""

import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import click

from trayalert.app.platform.places import Places, find_places, read_settings
from trayalert.domain.fault import Fault
from trayalert.domain.settings.settings import Settings

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


def address_options(command: CommandFunction) -> CommandFunction:
    """Let a command take `--host` and `--port`."""
    port = click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free one.")
    return click.option("--host", help="Address to listen on; 127.0.0.1 by default.")(port(command))


def find_own_places() -> Places:
    """Return the places of the data dir that was named. Raise PlaceFault."""
    meta = click.get_current_context().find_root().meta
    return find_places(meta.get("data_dir") or os.environ.get("TRAYALERT_DATA_DIR"))


def fail(text: object) -> NoReturn:
    """Print what is wrong and end with status 1."""
    click.echo(f"trayalert: {text}", err=True)
    sys.exit(1)


def own_settings(places: Places) -> Settings:
    """Read the settings; their problems go to stderr."""
    return read_own_settings(places)[0]


def read_own_settings(places: Places) -> tuple[Settings, tuple[str, ...]]:
    """Read the settings and their problems, which go to stderr too."""
    settings, problems = read_settings(places)
    for problem in problems:
        click.echo(f"trayalert: {problem}", err=True)
    return settings, problems


def set_utf8_output() -> None:
    """Write machine output as UTF-8, whatever the locale is."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_json(*records: object) -> None:
    """Print each record as one line of JSON."""
    print_lines((json.dumps(record, ensure_ascii=False) for record in records), machine=True)


def print_lines(lines: Iterable[str], *, machine: bool = False) -> None:
    """Print the lines; machine output as UTF-8."""
    if machine:
        set_utf8_output()
    for line in lines:
        click.echo(line)


class LazyGroup(click.Group):
    """A group whose `places` say where each command is found, as "module:attribute" of this package.

    A fault of the world is reported in one sentence; a traceback is for a fault of ours.
    """

    def __init__(self, *, places: Mapping[str, str], **more: Any) -> None:
        super().__init__(commands={name: click.Command(name) for name in places}, **more)
        self._places = places

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import the command."""
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"{__package__}.{module}"), attribute)
        return command

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
