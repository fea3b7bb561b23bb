"""The command line.

The commands, their options and their JSON are a contract for scripts. The help page `scripting` describes the contract.
With `--json`, a command prints JSON to stdout. Errors are printed to stderr as sentences. The exit status is 0 after
success, 1 after a failure and 2 after wrong usage. Each command imports only the modules that it needs.
"""

import click

from trayalert import __version__
from trayalert.cli.command_base import LazyGroup, address_options, data_dir_option
from trayalert.cli.language.own_language import say

_COMMANDS = {
    "serve": "run_commands:serve",
    "setup": "run_commands:setup",
    "guide": "run_commands:former_setup",
    "url": "secret_commands:url",
    "secrets": "secret_commands:secrets",
    "status": "status_command:status",
    "alerts": "query_commands:alerts",
    "incidents": "query_commands:incidents",
    "gaps": "query_commands:gaps",
    "expected": "query_commands:expected",
    "export": "query_commands:export",
    "resolve": "change_commands:resolve",
    "reparse": "change_commands:reparse",
    "send": "send_command:send",
    "doctor": "diagnosis_commands:doctor",
    "diagnostics": "diagnosis_commands:diagnostics",
    "check": "log_commands:check",
    "backup": "log_commands:backup",
    "restore": "log_commands:restore",
    "autostart": "autostart_command:autostart",
    "help": "help_command:show_help",
}
"""Maps each command to "module:attribute" in this package. A module is imported only when its command runs."""


@click.group(
    cls=LazyGroup,
    places=_COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="trayalert %(version)s", help="Show the version and exit.")
@data_dir_option
@address_options
@click.option("--minimised", is_flag=True, help="Start with no window, only in the tray.")
@click.option("--minimized", "minimised", is_flag=True, hidden=True)
@click.pass_context
def main(context: click.Context, host: str | None, port: int | None, minimised: bool) -> None:
    """Receive, store and show alerts from Alibaba Cloud Monitor.

    Without a command, the tray application starts.
    """
    if context.invoked_subcommand is not None:
        if host is not None or port is not None:
            raise click.UsageError(say("--host and --port belong to `trayalert` itself and to `trayalert serve`."))
        if minimised:
            raise click.UsageError(say("--minimised belongs to `trayalert` itself."))
        return
    from trayalert.cli.run_commands import run_tray  # noqa: PLC0415 - no command needs this import

    run_tray(host, port, minimised=minimised)
