"""Putting a backup in the log's place. The former log is moved aside, and a kill at any step leaves one that is whole.

The backup's copy is made ready beside the log first; then the log goes into the quarantine and the copy takes its name.
`finish_move` makes the last step good after a kill. What the former log had more waits there to be salvaged.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from trayalert.domain.times import Millis
from trayalert.durable_file import sync_folder
from trayalert.storage.companion_files import restored_of
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.backups import check_backup, copy_log, sync_file
from trayalert.storage.recovery.quarantine import finish_move, last_ids, move_aside
from trayalert.storage.rows import raise_numbering
from trayalert.storage.schema import migrate

_REASON = "a backup was restored in its place"


def restore_backup(log: Path, backup: Path, *, now: Millis) -> Path | None:
    """Put the backup in the log's place and return where the former one lies, None where there was none.

    Nobody may have the log open. Raise LogFault; the log is then where it was.
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
        raise LogFault(f"{backup} could not be restored: {getattr(error, 'strerror', None) or error}") from error
    finish_move(log)
    return folder


def _prepare(part: Path, log: Path) -> None:
    """Bring the copy up to date, and let it count on where the former log was."""
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        migrate(copy)
        raise_numbering(copy, last_ids(log) if log.exists() else (0, 0, 0))
