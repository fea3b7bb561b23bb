"""The command line: the contract for scripts. A front end is imported only when it is asked for.

Machine output is JSON on stdout, errors are sentences on stderr. Exit status: 0 done, 1 failed, 2 wrong use.
"""

import click

from trayalert import __version__
from trayalert.cli import (
    autostart_command,
    change_commands,
    diagnosis_commands,
    expected_command,
    log_commands,
    query_commands,
    run_commands,
    secret_commands,
    send_command,
)
from trayalert.cli.command_base import FaultReportingGroup, data_dir_option
from trayalert.cli.run_commands import address_options, run_tray


@click.group(
    cls=FaultReportingGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="trayalert %(version)s")
@data_dir_option
@address_options
@click.option("--minimised", is_flag=True, help="Start with no window, only in the tray.")
@click.option("--minimized", "minimised", is_flag=True, hidden=True)
@click.pass_context
def main(context: click.Context, host: str | None, port: int | None, minimised: bool) -> None:
    """One admin's alert desk for Alibaba Cloud Monitor. With no command: the tray application."""
    if context.invoked_subcommand is not None:
        if host is not None or port is not None:
            raise click.UsageError("--host and --port belong to `trayalert` itself and to `trayalert serve`.")
        if minimised:
            raise click.UsageError("--minimised belongs to `trayalert` itself.")
        return
    run_tray(host, port, minimised=minimised)


for command in (
    run_commands.serve,
    run_commands.guide,
    secret_commands.url,
    secret_commands.secrets,
    query_commands.status,
    query_commands.alerts,
    query_commands.incidents,
    query_commands.gaps,
    expected_command.expected,
    change_commands.resolve,
    change_commands.reparse,
    send_command.send,
    query_commands.export,
    diagnosis_commands.doctor,
    diagnosis_commands.diagnostics,
    log_commands.check,
    log_commands.backup,
    log_commands.restore,
    autostart_command.autostart,
):
    main.add_command(command)
