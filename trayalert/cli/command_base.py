"""What the commands share: common options, the paths of files, the settings, output, and the handling of faults."""

import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import click

from trayalert.app.platform.places import Places, find_places, read_settings
from trayalert.cli.language.own_language import choose_language, render
from trayalert.cli.language.translated_help import HelpContext, translate_help
from trayalert.domain.fault import Fault, os_error_text
from trayalert.domain.settings.settings import Settings

CommandFunction = Callable[..., Any]
LARGEST_NUMBER = 2**63 - 1


def data_dir_option(command: CommandFunction) -> CommandFunction:
    """Add the option `--data-dir` to a command.

    Users can write the option before or after the name of a subcommand.
    """

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
    """Add the option `--json` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(command)


def address_options(command: CommandFunction) -> CommandFunction:
    """Add the options `--host` and `--port` to a command."""
    port = click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free one.")
    return click.option("--host", help="Address to listen on; 127.0.0.1 by default.")(port(command))


def find_own_places() -> Places:
    """Return the paths of trayalert's files.

    If the user has named a data dir, the paths are in this data dir. If not, the paths are the platform's standard
    paths. The option `--data-dir` takes precedence over the environment variable TRAYALERT_DATA_DIR. Raise PlaceFault
    if the data dir cannot be found.
    """
    meta = click.get_current_context().find_root().meta
    return find_places(meta.get("data_dir") or os.environ.get("TRAYALERT_DATA_DIR"))


def print_error(text: object) -> None:
    """Print an error to stderr, in the language of the command line."""
    click.echo(f"trayalert: {render(str(text))}", err=True)


def fail(text: object) -> NoReturn:
    """Print an error to stderr and exit with status 1."""
    print_error(text)
    sys.exit(1)


def own_settings(places: Places) -> Settings:
    """Return the settings. Print their problems to stderr."""
    return read_own_settings(places)[0]


def read_own_settings(places: Places) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings and their problems. Also print the problems to stderr."""
    settings, problems = read_settings(places)
    for problem in problems:
        print_error(problem)
    return settings, problems


def set_utf8_output() -> None:
    """Make stdout use UTF-8 regardless of the locale. Called for output that programs read."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_json(*records: object) -> None:
    """Print each record as one line of JSON, in UTF-8."""
    print_lines((json.dumps(record, ensure_ascii=False) for record in records), machine=True)


def print_lines(lines: Iterable[str], *, machine: bool = False) -> None:
    """Print lines to stdout: in UTF-8 if `machine` is true, else in the encoding of the locale.

    Phrases are printed in the language of the command line. A line of JSON is never a phrase.
    """
    if machine:
        set_utf8_output()
    for line in lines:
        click.echo(render(line))


class LazyGroup(click.Group):
    """A click group that imports each command only when the command is needed.

    `places` maps each command's name to "module:attribute" in this package. If a command raises a Fault or an OSError,
    the exception's message is printed as an error. Any other exception is a bug and shows a traceback.
    """

    context_class = HelpContext

    def __init__(self, *, places: Mapping[str, str], **more: Any) -> None:
        super().__init__(commands={name: click.Command(name) for name in places}, **more)
        self._places = places

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import and return the command with the given name, or return None if no command has this name."""
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"{__package__}.{module}"), attribute)
        command.context_class = HelpContext
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, with the help of each in the user's language."""
        for name in self.list_commands(ctx):
            if command := self.get_command(ctx, name):
                translate_help(command)
        super().format_commands(ctx, formatter)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Choose the language of the command line, and then parse the arguments."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # for characters that the terminal's encoding lacks
        choose_language(args)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and turn a Fault, a closed pipe or any other OSError into an exit status."""
        try:
            return super().invoke(ctx)
        except Fault as fault:
            fail(fault)
        except BrokenPipeError:  # the other program has closed the pipe, as in `trayalert alerts | head`
            sys.stderr.close()
            os._exit(0)
        except OSError as error:  # for example, the disk of stdout is full, or permission is denied
            print_error(os_error_text(error))
            sys.stderr.flush()
            os._exit(1)  # not sys.exit, whose flush of stdout would fail again
