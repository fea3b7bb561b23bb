"""Free space on the log's disk, and the reserve file, which is deleted when the disk is full.

On a full disk, SQLite can neither delete rows nor run a checkpoint. Deleting the reserve file makes room for a few
thousand more callbacks. The user is warned, and can free some space in the meantime.
"""

import os
import shutil
from pathlib import Path

from trayalert.domain.phrase import Phrase
from trayalert.storage.companion_files import reserve_file_of

RESERVE_SIZE = 16 << 20
LOW_SPACE = 256 << 20
"""Number of free bytes below which the user is warned."""
LONG_WAL = 64 << 20
"""Size of the `-wal` in bytes above which the user is warned. A long `-wal` makes trayalert start slowly."""
SCRATCH_SIZE = 1 << 20
"""Number of free bytes that a full disk needs to count as usable again."""


def disk_warning(log: Path) -> str | None:
    """Return a warning if the disk is nearly full or the `-wal` is longer than LONG_WAL, else None."""
    wal = log.with_name(f"{log.name}-wal")
    size = wal.stat().st_size if wal.exists() else 0
    if size > LONG_WAL:
        return Phrase(
            "{wal} has grown to {size} MiB: another program reads the log all the time, or {log} may not be written, "
            "so that it cannot be put into the log's file. End that program, a viewer of databases or an export; look "
            "at the file's rights.",
            wal=wal,
            size=size >> 20,
            log=log,
        )
    free = _free_bytes(log)
    if free is None or free >= LOW_SPACE:
        return None
    if free < SCRATCH_SIZE and not reserve_file_of(log).exists():
        return Phrase(
            "the disk of {folder} is full: the next callbacks may be refused (503). Free some space.", folder=log.parent
        )
    return Phrase(
        "the disk of {folder} is nearly full: {free} MiB are free. Callbacks are still stored; free some space.",
        folder=log.parent,
        free=free >> 20,
    )


def has_space(log: Path) -> bool:
    """Return whether SCRATCH_SIZE bytes can be allocated on the log's disk.

    SCRATCH_SIZE is much larger than a row. If room for one row were enough, the log would keep alternating
    between a full and a usable disk.
    """
    free = _free_bytes(log)
    return (
        free is not None and free >= SCRATCH_SIZE and _allocate_file(log.with_name("scratch"), SCRATCH_SIZE, keep=False)
    )


def create_reserve_file(log: Path) -> None:
    """Create the reserve file if it does not exist and enough space is free."""
    path = reserve_file_of(log)
    free = _free_bytes(log)
    if free is None or free < LOW_SPACE + RESERVE_SIZE or path.exists():
        return
    _allocate_file(path, RESERVE_SIZE, keep=True)


def _allocate_file(path: Path, size: int, *, keep: bool) -> bool:
    """Create a file of `size` bytes with all its disk blocks allocated. Return whether the blocks could be allocated.

    The file is kept only if the blocks could be allocated and `keep` is True.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    except OSError:
        return False
    try:
        _allocate_blocks(descriptor, size)
    except OSError:
        keep = False
        return False
    finally:
        os.close(descriptor)
        if not keep:
            path.unlink(missing_ok=True)
    return True


def _allocate_blocks(descriptor: int, size: int) -> None:
    """Allocate disk blocks for the whole file. A sparse file has no blocks, so deleting it would free no space."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    zeros = bytes(1 << 20)
    for _ in range(size // len(zeros)):
        os.write(descriptor, zeros)


def delete_reserve_file(log: Path) -> bool:
    """Delete the reserve file to free its space. Return whether the file was deleted."""
    try:
        reserve_file_of(log).unlink()
    except OSError:
        return False
    return True


def _free_bytes(log: Path) -> int | None:
    try:
        return shutil.disk_usage(log.parent).free
    except OSError:
        return None
