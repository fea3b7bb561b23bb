"""Checks the contents of the data dir for `trayalert check` and `trayalert status`. This module never writes."""

import os
import stat
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trayalert.clock import now
from trayalert.domain.times import iso
from trayalert.storage.companion_files import backups_of, quarantine_of, reserve_file_of
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.backups import Backup, check_backup, list_backups
from trayalert.storage.recovery.integrity_check import IntegrityReport, check_log
from trayalert.storage.recovery.quarantine import quarantined_folders, read_reason, read_salvage_result
from trayalert.storage.writer.salvage import Salvage, read_salvages


def backup_summary_record(log: Path) -> dict[str, Any]:
    """Return the keys and values about backups and quarantined logs for `trayalert status --json`."""
    backups = list_backups(log, now=now())
    return {
        "last_backup_at": iso(backups[0].made_at) if backups else None,
        "backups": len(backups),
        "quarantined": len(quarantined_folders(log)),
        "salvage": _salvage_record(log, lambda salvage: salvage.finished_at is None),
    }


def check_data_dir(log: Path, *, private_files: tuple[Path, ...]) -> dict[str, Any]:
    """Check the whole data dir. Return the object that `trayalert check --json` prints.

    `private_files` are checked in addition to the log's own files: other users of this computer must not be able to
    read any of these files.
    """
    log_exists = log.exists()
    checked = check_log(log) if log_exists else IntegrityReport()
    backups = [_backup_record(backup) for backup in list_backups(log)]
    problems = list(checked.problems)
    if backups and not log_exists:
        remedy = "`trayalert restore` puts one in its place."
        problems.append(f"the log {log} is gone, though there are backups of it: {remedy}")
    unusable = [backup for backup in backups if backup["problem"]]
    problems += [f"the backup {backup['path']} cannot be used: {backup['problem']}" for backup in unusable]
    problems += _mode_problems(log, private_files)
    return {
        "ok": not problems,
        "problems": problems,
        "notes": _notes(log, log_exists=log_exists, checked=checked, backups=backups),
        "log": str(log),
        "log_damaged": checked.damaged,
        "rows": checked.rows,
        "rows_without_digest": checked.undigested,
        "backups": backups,
        "quarantine": [_quarantine_record(log, folder) for folder in quarantined_folders(log)],
        "ballast": reserve_file_of(log).exists(),
    }


def _notes(log: Path, *, log_exists: bool, checked: IntegrityReport, backups: list[dict[str, Any]]) -> list[str]:
    notes = []
    if not log_exists and not backups:
        notes.append(f"there is no log {log} yet.")
    if checked.undigested:
        notes.append(
            f"{checked.undigested:,} rows are of before trayalert kept digests: whether they are what was written "
            "cannot be told."
        )
    if log_exists and not backups:
        notes.append("there is no backup yet; the first is made 2 minutes after trayalert starts, then one a day.")
    if log_exists and not reserve_file_of(log).exists():
        notes.append("there is no ballast yet; it is laid while trayalert runs and the disk has room.")
    for folder in quarantined_folders(log):
        reason = read_reason(folder) or "nobody knows why"
        outcome = read_salvage_result(folder) or "what became of its callbacks is not known."
        notes.append(f"{folder} holds a log that was moved aside ({reason}): {outcome}")
    return notes


def _backup_record(backup: Backup) -> dict[str, Any]:
    record: dict[str, Any] = {"path": str(backup.path), "made_at": iso(backup.made_at), "size": backup.size}
    try:
        deliveries, alerts, incidents = check_backup(backup.path)
    except LogFault as fault:
        return record | {"deliveries": None, "alerts": None, "incidents": None, "problem": str(fault)}
    return record | {"deliveries": deliveries, "alerts": alerts, "incidents": incidents, "problem": None}


def backup_records(log: Path) -> list[dict[str, Any]]:
    """Check each backup and return a JSON object for each, the newest first."""
    return [_backup_record(backup) for backup in list_backups(log)]


def _quarantine_record(log: Path, folder: Path) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "why": read_reason(folder),
        "size": (folder / log.name).stat().st_size,
        "salvage": _salvage_record(log, lambda salvage: salvage.folder == folder.name),
    }


def _salvage_record(log: Path, is_meant: Callable[[Salvage], bool]) -> dict[str, Any] | None:
    """Return a JSON object for the first salvage for which `is_meant` is true.

    Return None if there is no such salvage, or if the log cannot be read.
    """
    try:
        salvage = next(filter(is_meant, read_salvages(log)))
    except (LogFault, StopIteration):
        return None
    record = asdict(salvage)
    for internal in ("position", "first", "last"):
        del record[internal]
    return record | {"begun_at": iso(salvage.begun_at), "finished_at": iso(salvage.finished_at)}


def _mode_problems(log: Path, private_files: tuple[Path, ...]) -> list[str]:
    """Return a sentence about each file that other users of this computer can read or that another user owns."""
    if sys.platform == "win32":
        return []
    log_files = [log.with_name(log.name + end) for end in ("", "-wal", "-shm", ".restored")]
    folders = [backups_of(log), quarantine_of(log)]
    contents = [path for folder in folders for path in folder.rglob("*")]
    found = []
    for path in (*log_files, *folders, *contents, reserve_file_of(log), *private_files):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_uid != os.getuid():
            found.append(f"{path} belongs to another user.")
        elif stat.S_IMODE(status.st_mode) & 0o077:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            found.append(
                f"{path} can be read by other users of this computer: its mode is {mode}. Take that away: chmod go="
            )
    return found
