"""The command line: the contract for scripts. A front end is imported only when it is asked for.

Machine output is JSON on stdout, errors are sentences on stderr. Exit status: 0 done, 1 failed, 2 wrong use.
"""

import sys

import click

from trayalert import __version__
from trayalert.cli import asking, changing, diagnosing, expecting, keeping, running, secrets, sending, starting
from trayalert.cli.common import FaultTellingGroup, data_dir_option
from trayalert.cli.running import address_options, owned, show_trouble


@click.group(
    cls=FaultTellingGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
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
    from trayalert.app import screen

    problem = screen.problem()
    if problem:
        click.echo(f"trayalert: {problem} To receive without one, run: trayalert serve", err=True)
        sys.exit(2)
    import trayalert.ui  # noqa: F401 - before all else that brings Qt in: it makes Qt's start lighter
    from trayalert.app.places import PlaceFault
    from trayalert.services.secrets import SecretFault

    try:
        with owned("tray", host, port, minimised=minimised) as plan:
            from trayalert.app.desktop import run_desktop

            sys.exit(run_desktop(plan))
    except (PlaceFault, SecretFault) as fault:
        click.echo(f"trayalert: {fault}", err=True)
        show_trouble(fault)


for command in (
    running.serve,
    secrets.url,
    secrets.secrets,
    asking.status,
    asking.alerts,
    asking.incidents,
    asking.gaps,
    expecting.expected,
    changing.resolve,
    changing.reparse,
    sending.send,
    asking.export,
    diagnosing.doctor,
    diagnosing.diagnostics,
    keeping.check,
    keeping.backup,
    keeping.restore,
    starting.autostart,
):
    main.add_command(command)
