"""Files that are written whole or not at all, and that outlive a power cut."""

import contextlib
import os
import secrets
from pathlib import Path


def write_private(path: Path, content: str, *, overwrite: bool = True) -> None:
    """Write a file of ours whole or not at all, for nobody else to read, or `overwrite` an older one. Raise OSError.

    It is synced, and so is its name: no power cut brings the older one back.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            temporary.replace(path)
        else:
            _link(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _link(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system with no such links
        temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder outlive a power cut, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
