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
    print_error,
    print_json,
    print_lines,
)
from trayalert.cli.instance_access import carry_out, without_instance
from trayalert.cli.language.own_language import render, say, says
from trayalert.clock import now
from trayalert.domain.phrase import N_, NAMES, Phrase, PhraseList
from trayalert.domain.times import moment_text, read_time
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
    lines = [say("problem: {problem}", problem=problem) for problem in found["problems"]]
    lines += [say("note: {note}", note=note) for note in found["notes"]]
    if rows:
        counts = [Phrase(text, number=rows[table]) for table, text in _TABLES.items() if table in rows]
        lines.append(
            say(
                "{log}: {counts} were read and held against their digests.",
                log=found["log"],
                counts=PhraseList(counts, separator=NAMES),
            )
        )
    if found["log_damaged"]:
        lines.append(
            say(
                "A log whose file is damaged is moved aside and read over when trayalert starts; `trayalert restore` "
                "puts a backup in its place and takes over what came after it."
            )
        )
    if backups:
        good = sum(backup["problem"] is None for backup in backups)
        lines.append(
            say(
                "{good} of {number} backups are good, the newest of {time}.",
                good=good,
                number=len(backups),
                time=moment_text(read_time(backups[0]["made_at"]) or 0, now=now()),
            )
        )
    if found["ok"]:
        lines.append(say("Everything is in order."))
    else:
        lines.append(says("1 problem was found.", "{count} problems were found.", len(found["problems"])))
    return lines


_TABLES = {
    "delivery": N_("{number:,} deliveries"),
    "alert": N_("{number:,} alerts"),
    "incident": N_("{number:,} incidents"),
}
"""Maps each table of the log to the text about the number of its rows."""


@click.command()
@data_dir_option
def backup() -> None:
    """Make a backup of the log now."""
    places = find_own_places()
    if not places.log.exists():
        fail(say("there is no log {log} yet.", log=places.log))

    def offline() -> Path:
        return make_backup(places.log, keep=own_settings(places).backups, now=now()).path

    path = carry_out(places, BackUpLog(), offline=offline, deadline=_LONGEST_BACKUP)
    click.echo(say("the backup is {path}", path=path))


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
        fail(say("there is no data dir {folder}.", folder=places.data_dir))
    running = (ask(places.socket, GetStatus()) or {}).get("running")
    if running:
        fail(
            say(
                "trayalert runs ({mode}, process {pid}). End it first: nobody may have the log open while a backup "
                "takes its place.",
                mode=running.get("front"),
                pid=running.get("pid"),
            )
        )
    with without_instance(places):
        _restore(places, backup or _newest_good(places))


def _restore(places: Places, backup: Path) -> None:
    from trayalert.services.maintenance.salvage_job import salvage_offline  # noqa: PLC0415 - loads all callback parsers

    deliveries, alerts, incidents = check_backup(backup)
    folder = restore_backup(places.log, backup, now=now())
    click.echo(
        say(
            "restored {path}: {deliveries:,} callbacks, {alerts:,} alerts, {incidents:,} incidents.",
            path=backup,
            deliveries=deliveries,
            alerts=alerts,
            incidents=incidents,
        )
    )
    if folder:
        click.echo(say("The former log was moved to {folder}.", folder=folder))
    print_lines(salvage_offline(places.log, now=now()))
    deliveries, alerts, incidents = check_backup(places.log, digests=False)
    click.echo(
        say(
            "The log holds {deliveries:,} callbacks, {alerts:,} alerts and {incidents:,} incidents now.",
            deliveries=deliveries,
            alerts=alerts,
            incidents=incidents,
        )
    )


def _newest_good(places: Places) -> Path:
    for candidate in list_backups(places.log, now=now()):
        try:
            check_backup(candidate.path)
        except LogFault as fault:
            print_error(say("{fault}; an older one is looked for", fault=fault))
        else:
            return candidate.path
    return fail(say("there is no good backup in {folder}.", folder=places.log.with_name("backups")))


def _list(places: Places, *, as_json: bool) -> None:
    records = backup_records(places.log)
    if as_json:
        print_json(*records)
        return
    for record in records:
        state = render(record["problem"]) if record["problem"] else say("{number:,} alerts", number=record["alerts"])
        made_at = moment_text(read_time(record["made_at"]) or 0, now=now())
        click.echo(f"{made_at:16}  {record['size'] / 1_048_576:8.1f} MiB  {state}  {record['path']}")
    if not records:
        click.echo(say("there are no backups yet."))
