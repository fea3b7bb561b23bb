"""Replaces the log with a copy of a backup, and moves the old log to the quarantine.

First, a copy of the backup is prepared beside the log. Then the log is moved to the quarantine. Finally, the copy is
renamed to the log. If trayalert is killed after the log was moved, `finish_move` renames the copy at the next start.
Deliveries that only the old log contains are later salvaged from the quarantine.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from trayalert.domain.phrase import Phrase
from trayalert.domain.times import Millis
from trayalert.durable_file import sync_folder
from trayalert.storage.companion_files import restored_of
from trayalert.storage.faults import LogFault, reason_of
from trayalert.storage.recovery.backups import check_backup, copy_log, sync_file
from trayalert.storage.recovery.quarantine import finish_move, last_ids, move_aside
from trayalert.storage.rows import raise_numbering
from trayalert.storage.schema import migrate

_REASON = Phrase("a backup was restored in its place")


def restore_backup(log: Path, backup: Path, *, now: Millis) -> Path | None:
    """Put a copy of the backup in the log's place. Return the old log's quarantine folder, or None if there was no log.

    The log must not be open anywhere. Raise LogFault on failure. After a failure, either the old log is still at its
    path, or the next `finish_move` completes the restore.
    """
    check_backup(backup)
    finish_move(log)
    restored = restored_of(log)
    part = restored.with_name(f"{restored.name}.part")
    try:
        part.unlink(missing_ok=True)
        copy_log(backup, part)
        _prepare(part, log)
        sync_file(part)
        part.rename(restored)
        sync_folder(log.parent)
        folder = move_aside(log, reason=_REASON, now=now) if log.exists() else None
    except (OSError, sqlite3.Error, UnicodeDecodeError, LogFault) as error:
        part.unlink(missing_ok=True)
        if log.exists():
            restored.unlink(missing_ok=True)
        reason = str(error) if isinstance(error, LogFault) else reason_of(error)
        raise LogFault(Phrase("{path} could not be restored: {reason}", path=backup, reason=reason)) from error
    finish_move(log)
    return folder


def _prepare(part: Path, log: Path) -> None:
    """Migrate the copy `part`, and reserve in the copy the ids that the log has assigned.

    The copy then never assigns these ids.
    """
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        migrate(copy)
        raise_numbering(copy, last_ids(log) if log.exists() else (0, 0, 0))
