"""The lock that makes one process the owner of a data dir.

The operating system holds the lock and releases it when the process ends, even if the process is killed.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trayalert.app.platform.places import NAME_ANOTHER, PlaceFault
from trayalert.domain.fault import os_reason
from trayalert.domain.phrase import N_, Phrase, PhraseList

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that owns a data dir. `mode` is "tray", "serve" or the name of a command."""

    mode: str
    pid: int


class AlreadyOwnedError(Exception):
    """Another process owns the data dir. `owner` is the other process, or None if the lock file cannot be read."""

    def __init__(self, owner: Owner | None) -> None:
        if owner:
            text = N_("trayalert ({mode}, process {pid}) uses this data dir already")
            super().__init__(Phrase(text, mode=owner.mode, pid=owner.pid))
        else:
            super().__init__(Phrase("another process uses this data dir already"))
        self.owner = owner


@contextlib.contextmanager
def own_data_dir(lock: Path, mode: str) -> Iterator[None]:
    """Make this process the owner of the data dir while the context is open.

    The owner holds the lock of the file `lock`. `mode` and the process id are written into this file, so that other
    processes can read which process is the owner. Raise AlreadyOwnedError if another process holds the lock. Raise
    PlaceFault if the lock file cannot be opened.
    """
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        problem = Phrase("the lock {path} cannot be opened: {reason}.", path=lock, reason=os_reason(error))
        raise PlaceFault(PhraseList([problem, NAME_ANOTHER])) from error
    try:
        if not _lock(descriptor):
            raise AlreadyOwnedError(_read(lock))
        with contextlib.suppress(OSError):  # if the disk is full, the lock holds, but others cannot read the owner
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, json.dumps({"front": mode, "pid": os.getpid()}).encode())
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            # beyond the JSON text, because on Windows other processes cannot read locked bytes
            os.lseek(descriptor, 1024, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(lock: Path) -> Owner | None:
    try:
        content = json.loads(lock.read_text(encoding="utf-8"))
        return Owner(mode=str(content["front"]), pid=int(content["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
