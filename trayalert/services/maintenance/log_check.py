"""Checks the contents of the data dir for `trayalert check` and `trayalert status`. This module never writes."""

import os
import shlex
import stat
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trayalert.clock import now
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.times import iso
from trayalert.services.maintenance.salvage_outcome import read_outcome
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
        text = N_("the log {path} is gone, though there are backups of it: `trayalert restore` puts one in its place.")
        problems.append(Phrase(text, path=log))
    unusable = [backup for backup in backups if backup["problem"]]
    problems += [
        Phrase("the backup {path} cannot be used: {problem}", path=backup["path"], problem=backup["problem"])
        for backup in unusable
    ]
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
    notes: list[str] = []
    if not log_exists and not backups:
        notes.append(Phrase("there is no log {path} yet.", path=log))
    if checked.undigested:
        notes.append(
            Phrase(
                "{count:,} rows are of before trayalert kept digests: whether they are what was written cannot be "
                "told.",
                count=checked.undigested,
            )
        )
    if log_exists and not backups:
        notes.append(
            Phrase("there is no backup yet; the first is made 2 minutes after trayalert starts, then one a day.")
        )
    if log_exists and not reserve_file_of(log).exists():
        notes.append(Phrase("there is no ballast yet; it is laid while trayalert runs and the disk has room."))
    salvages = {salvage.folder: salvage for salvage in _salvages(log)}
    for folder in quarantined_folders(log):
        salvage = salvages.get(folder.name)
        reason = (salvage.why if salvage else "") or read_reason(folder) or Phrase("nobody knows why")
        outcome = read_outcome(log, salvage) if salvage and salvage.finished_at else read_salvage_result(folder)
        outcome = outcome or Phrase("what became of its callbacks is not known.")
        text = N_("{folder} holds a log that was moved aside ({reason}): {outcome}")
        notes.append(Phrase(text, folder=folder, reason=reason, outcome=outcome))
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
    salvage = next(filter(is_meant, _salvages(log)), None)
    if salvage is None:
        return None
    record = asdict(salvage)
    for internal in ("position", "first", "last"):
        del record[internal]
    return record | {"begun_at": iso(salvage.begun_at), "finished_at": iso(salvage.finished_at)}


def _salvages(log: Path) -> tuple[Salvage, ...]:
    """Return all salvages that are recorded in the log, or none if the log cannot be read."""
    try:
        return read_salvages(log)
    except LogFault:
        return ()


def _mode_problems(log: Path, private_files: tuple[Path, ...]) -> list[str]:
    """Return a sentence about each file that other users of this computer can read or that another user owns."""
    if sys.platform == "win32":
        return []
    log_files = [log.with_name(log.name + end) for end in ("", "-wal", "-shm", ".restored")]
    folders = [backups_of(log), quarantine_of(log)]
    contents = [path for folder in folders for path in folder.rglob("*")]
    found: list[str] = []
    for path in (*log_files, *folders, *contents, reserve_file_of(log), *private_files):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_uid != os.getuid():
            found.append(Phrase("{path} belongs to another user.", path=path))
        elif stat.S_IMODE(status.st_mode) & 0o077:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            found.append(
                Phrase(
                    "{path} can be read by other users of this computer: its mode is {mode}."
                    " Take that away: chmod go= {quoted}",
                    path=path,
                    quoted=shlex.quote(str(path)),
                    mode=mode,
                )
            )
    return found
