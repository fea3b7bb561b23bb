"""Which file this process writes, so that no reader of its own opens another one that was put in its place.

SQLite's locks do not hold within a process. A reader of a file that took the log's place would find the writer's `-shm`
beside it, take itself for the first one there, and empty it while the writer has it mapped.
"""

import os
from pathlib import Path

from trayalert.storage.faults import NoLog

_registered: dict[str, tuple[int, int]] = {}


def register(path: Path, file: tuple[int, int] | None) -> None:
    """Note by device and number which file at the path is written by this process."""
    if file is not None:
        _registered[os.path.realpath(path)] = file


def unregister(path: Path) -> None:
    """Note that it is not written any more."""
    _registered.pop(os.path.realpath(path), None)


def refuse_replaced_file(path: Path) -> None:
    """Raise NoLog where the file at the path is not the one that this process writes. Of others nothing is known."""
    own = _registered.get(os.path.realpath(path))
    if own is None:
        return
    try:
        found = path.stat()
    except OSError:
        return
    if (found.st_dev, found.st_ino) != own:
        raise NoLog(f"another file was put in the place of the log {path} just now; trayalert looks at it first")
