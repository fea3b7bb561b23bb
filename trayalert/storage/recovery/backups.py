"""Makes, lists and checks backups, which are complete copies of the log. The log may be in use during a backup.

A backup is one SQLite file without a `-wal`. The file is written under a temporary name, checked, synced and then
renamed. If trayalert is killed before the file is renamed, the next backup removes the temporary file. Two backups must
not be made at the same time.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from trayalert.domain.phrase import N_, Phrase, as_clause
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime
from trayalert.durable_file import sync_folder
from trayalert.storage.companion_files import backups_of
from trayalert.storage.faults import LogFault, OtherVersion, reason_of
from trayalert.storage.read_connection import connect_read_only, refuse_replaced_file
from trayalert.storage.recovery.integrity_check import count_changed_rows
from trayalert.storage.schema import refuse_other_version, schema_version

_NAME_FORMAT = "trayalert-%Y%m%dT%H%M%SZ.db"
_CLOCK_TOLERANCE: Millis = 60_000

RowCounts = tuple[int, int, int]
"""The number of deliveries, the number of alerts and the number of incidents."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup file. `made_at` is the time in the file's name, and `size` is in bytes."""

    path: Path
    made_at: Millis
    size: int


def list_backups(log: Path, *, now: Millis | None = None) -> list[Backup]:
    """Return the backups, newest first.

    If `now` is given, backups that are dated more than a minute later than `now` come last. These backups were made
    while the clock was wrong.
    """
    found = []
    paths: list[Path] = []
    with contextlib.suppress(OSError):
        paths += backups_of(log).iterdir()
    for path in paths:
        made_at = _parse_time(path)
        if made_at is not None:
            with contextlib.suppress(OSError):  # the file was just deleted, or is a dangling link
                found.append(Backup(path, made_at, path.stat().st_size))
    return sorted(
        found, key=lambda one: (now is None or one.made_at <= now + _CLOCK_TOLERANCE, one.made_at), reverse=True
    )


def newest_backup(log: Path, *, now: Millis) -> Backup | None:
    """Return the newest backup, or None if there is no backup.

    A backup that is dated more than a minute later than `now` is returned only if there is no other backup.
    """
    return next(iter(list_backups(log, now=now)), None)


def make_backup(
    log: Path, *, keep: int, now: Millis, throttle: Callable[[], None] = lambda: None, pages_per_step: int = 512
) -> Backup:
    """Make a backup, then delete all but the newest `keep` backups. Raise LogFault if the backup cannot be made.

    Making a backup can take a long time, so call this function on a background thread. `throttle` is called after every
    `pages_per_step` pages, which are 2 MiB by default. `throttle` may sleep, so that the writer can use the disk.
    """
    folder = backups_of(log)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob("*.part*"):
            left.unlink(missing_ok=True)
        _refuse_full_disk(log)
        path = folder / as_datetime(now).strftime(_NAME_FORMAT)
        part = path.with_name(f"{path.name}.part")
        try:
            counts = copy_log(log, part, throttle=throttle, pages_per_step=pages_per_step)
            # digests are not compared here, because `trayalert check` reports rows that are wrong in the log, too
            if check_backup(part, digests=False) != counts:
                raise LogFault(Phrase("the copy does not hold what the log holds"))
            sync_file(part)
            part.rename(path)
            sync_folder(folder)
        finally:
            part.unlink(missing_ok=True)
        for old in list_backups(log, now=now)[keep:]:
            old.path.unlink(missing_ok=True)
        return Backup(path, now, path.stat().st_size)
    except (OSError, sqlite3.Error, UnicodeDecodeError, LogFault) as error:
        reason = as_clause(str(error) if isinstance(error, LogFault) else reason_of(error))
        text = N_("no backup of the log could be made in {folder}: {reason}.")
        raise LogFault(Phrase(text, folder=folder, reason=reason)) from error


def copy_log(
    source: Path, target: Path, *, throttle: Callable[[], None] = lambda: None, pages_per_step: int = 512
) -> RowCounts:
    """Copy a log to a new file with mode 0600. Return the copy's numbers of deliveries, alerts and incidents.

    The log may be in use. Raise LogFault, sqlite3.Error or OSError if the log cannot be copied. The caller must sync
    the copy.
    """
    refuse_replaced_file(source)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with (
        closing(connect_read_only(source)) as log,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        copy.execute("PRAGMA synchronous = OFF")  # the caller syncs the whole file at the end
        refuse_other_version(log, source)
        log.execute("BEGIN")  # a snapshot: the counts match the copy even if the log grows meanwhile
        counts = _counts(log)
        log.backup(copy, pages=pages_per_step, progress=lambda *_: throttle())
        copy.execute("PRAGMA journal_mode = DELETE")
    return counts


def check_backup(path: Path, *, digests: bool = True) -> RowCounts:
    """Check a backup. Return its numbers of deliveries, alerts and incidents.

    Raise LogFault if the file is damaged, is not a backup, or was made by another version of trayalert. If `digests` is
    set, every row is also compared with its digest.
    """
    try:
        with closing(connect_read_only(path)) as backup:
            if schema_version(backup) == 0:
                raise LogFault(Phrase("{path} cannot be used as a backup: it is no log", path=path))
            try:
                refuse_other_version(backup, path)
            except OtherVersion as fault:
                text = N_("{path} cannot be used as a backup: another version of trayalert made it")
                raise LogFault(Phrase(text, path=path)) from fault
            problems = backup.execute("PRAGMA quick_check(1)").fetchall()
            if problems != [("ok",)]:
                raise LogFault(Phrase("{path} is damaged: {damage}", path=path, damage=printable(problems[0][0])))
            if digests and (wrong := count_changed_rows(backup)):
                text = N_("{path} is damaged: {count:,} rows in it are not what was written")
                raise LogFault(Phrase(text, path=path, count=wrong))
            return _counts(backup)
    except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
        raise LogFault(
            Phrase("{path} cannot be used as a backup: {error}", path=path, error=reason_of(error))
        ) from error


def sync_file(path: Path) -> None:
    """Sync a file to disk. The file must not be open in SQLite. Raise OSError on failure."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_full_disk(log: Path) -> None:
    size = log.stat().st_size
    free = shutil.disk_usage(log.parent).free
    if free < 2 * size:
        raise LogFault(
            Phrase(
                "it takes {size:,} MiB, and only {free:,} MiB of the disk are free, which must be twice as much. Free "
                "some space",
                size=_megabytes(size),
                free=_megabytes(free),
            )
        )


def _megabytes(size: int) -> int:
    return max(1, size >> 20)


def _counts(connection: sqlite3.Connection) -> RowCounts:
    sql = "SELECT (SELECT count(*) FROM delivery), (SELECT count(*) FROM alert), (SELECT count(*) FROM incident)"
    deliveries, alerts, incidents = connection.execute(sql).fetchone()
    return deliveries, alerts, incidents


def _parse_time(path: Path) -> Millis | None:
    try:
        return int(datetime.strptime(path.name, _NAME_FORMAT).replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        return None
