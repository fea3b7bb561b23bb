"""Writes files atomically and durably: even after a power cut, a file has either its old or its new content."""

import contextlib
import os
import secrets
from pathlib import Path


def write_private(path: Path, content: str, *, overwrite: bool = True) -> None:
    """Write a file atomically, with mode 0600. Raise OSError if the file cannot be written.

    If `overwrite` is false and the file already exists, raise FileExistsError. On a file system without hard links, an
    existing file is always overwritten. When this function returns, the file and its folder are synced, so the new
    content survives a power cut.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a file descriptor, not a path
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
    except OSError:  # the file system has no hard links, so an existing file is overwritten
        temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that the creation, renaming or removal of a file in it survives a power cut.

    Errors are ignored, because some systems cannot sync folders.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
