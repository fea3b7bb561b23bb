"""`trayalert check`, `backup` and `restore`: check the log, back it up, and replace it with a backup."""

from pathlib import Path
from typing import Any

import click

from trayalert.app.control.control_protocol import BackUpLog, GetStatus, ask
from trayalert.app.platform.places import Places
from trayalert.cli.command_base import (
    data_dir_option,
    fail,
    find_own_places,
    json_option,
    own_settings,
    print_json,
    print_lines,
)
from trayalert.cli.instance_access import carry_out, without_instance
from trayalert.clock import now
from trayalert.services.maintenance.log_check import backup_records, check_data_dir
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.backups import check_backup, list_backups, make_backup
from trayalert.storage.recovery.restore import restore_backup

_LONGEST_BACKUP = 600.0
"""Maximum number of seconds to wait for the running instance to make a backup."""


@click.command()
@data_dir_option
@json_option
def check(as_json: bool) -> None:
    """Check the log and its backups for damage, and list the logs in the quarantine.

    The command also checks that other users of this computer cannot read the files. You can run it while trayalert is
    running. The exit status is 1 if there is a problem.
    """
    places = find_own_places()
    found = check_data_dir(places.log, private_files=places.private)
    if as_json:
        print_json(found)
    else:
        print_lines(_check_lines(found))
    if not found["ok"]:
        click.get_current_context().exit(1)


def _check_lines(found: dict[str, Any]) -> list[str]:
    rows, backups = found["rows"], found["backups"]
    lines = [f"problem: {problem}" for problem in found["problems"]]
    lines += [f"note: {note}" for note in found["notes"]]
    if rows:
        counts = ", ".join(f"{rows[table]:,} {name}" for table, name in _TABLES.items() if table in rows)
        lines.append(f"{found['log']}: {counts} were read and held against their digests.")
    if found["log_damaged"]:
        lines.append(
            "A log whose file is damaged is moved aside and read over when trayalert starts; `trayalert restore` puts "
            "a backup in its place and takes over what came after it."
        )
    if backups:
        good = sum(backup["problem"] is None for backup in backups)
        lines.append(f"{good} of {len(backups)} backups are good, the newest of {backups[0]['made_at']}.")
    count = len(found["problems"])
    problems = "1 problem was found." if count == 1 else f"{count} problems were found."
    lines.append("Everything is in order." if found["ok"] else problems)
    return lines


_TABLES = {"delivery": "deliveries", "alert": "alerts", "incident": "incidents"}


@click.command()
@data_dir_option
def backup() -> None:
    """Make a backup of the log now."""
    places = find_own_places()
    if not places.log.exists():
        fail(f"there is no log {places.log} yet.")

    def offline() -> Path:
        return make_backup(places.log, keep=own_settings(places).backups, now=now()).path

    click.echo(f"the backup is {carry_out(places, BackUpLog(), offline=offline, deadline=_LONGEST_BACKUP)}")


@click.command()
@data_dir_option
@json_option
@click.option("--list", "list_them", is_flag=True, help="List the backups.")
@click.argument("backup", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(as_json: bool, list_them: bool, backup: Path | None) -> None:
    """Replace the log with a backup.

    If BACKUP is left out, the newest good backup is used. The current log is moved to the quarantine. Callbacks that
    are in the current log but not in the backup are added to the restored log. trayalert must not be running.
    """
    places = find_own_places()
    if list_them:
        _list(places, as_json=as_json)
        return
    if not places.data_dir.is_dir():
        fail(f"there is no data dir {places.data_dir}.")
    running = (ask(places.socket, GetStatus()) or {}).get("running")
    if running:
        fail(
            f"trayalert runs ({running.get('front')}, process {running.get('pid')}). End it first: nobody may have the "
            "log open while a backup takes its place."
        )
    with without_instance(places):
        _restore(places, backup or _newest_good(places))


def _restore(places: Places, backup: Path) -> None:
    from trayalert.services.maintenance.salvage_job import salvage_offline  # noqa: PLC0415 - loads all callback parsers

    deliveries, alerts, incidents = check_backup(backup)
    folder = restore_backup(places.log, backup, now=now())
    click.echo(f"restored {backup}: {deliveries:,} callbacks, {alerts:,} alerts, {incidents:,} incidents.")
    if folder:
        click.echo(f"The former log was moved to {folder}.")
    print_lines(salvage_offline(places.log, now=now()))
    totals = check_backup(places.log, digests=False)
    click.echo(f"The log holds {totals[0]:,} callbacks, {totals[1]:,} alerts and {totals[2]:,} incidents now.")


def _newest_good(places: Places) -> Path:
    for candidate in list_backups(places.log, now=now()):
        try:
            check_backup(candidate.path)
        except LogFault as fault:
            click.echo(f"trayalert: {fault}; an older one is looked for", err=True)
        else:
            return candidate.path
    return fail(f"there is no good backup in {places.log.with_name('backups')}.")


def _list(places: Places, *, as_json: bool) -> None:
    records = backup_records(places.log)
    if as_json:
        print_json(*records)
        return
    for record in records:
        state = record["problem"] or f"{record['alerts']:,} alerts"
        click.echo(f"{record['made_at'][:19]}Z  {record['size'] / 1_048_576:8.1f} MiB  {state}  {record['path']}")
    if not records:
        click.echo("there are no backups yet.")
