"""Writes files atomically and durably: a file has its old content or its new content, even after a power cut."""

import contextlib
import os
import secrets
from pathlib import Path


def write_private(path: Path, content: str, *, overwrite: bool = True) -> None:
    """Write a file atomically, with mode 0600. Raise OSError.

    With `overwrite` false, raise FileExistsError if the file already exists. The file and its folder are synced before
    the function returns, so that no power cut brings the old content back.
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
    except OSError:  # the file system has no hard links
        temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that the names in it survive a power cut. Do nothing on a system that cannot sync folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
