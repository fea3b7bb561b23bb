"""What `trayalert diagnostics` gathers for whoever looks into a fault. Its rule: no alert, and no secret in any member.

Every text goes through the mask, which knows the secrets of today, and takes out all that looks like one of before.
"""

import contextlib
import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trayalert.app.places import Places, read_settings
from trayalert.app.versions import versions
from trayalert.domain.times import iso
from trayalert.services.secrets import SecretFault, Secrets
from trayalert.storage.files import quarantine_of

_TAIL = 256 * 1024
"""So many bytes of the end of a text are enough."""

_HOOK = re.compile(r"(/hook/)[^\s\"'?#,;)]+")
_TOKEN = re.compile(r"(?=[A-Z0-9_%-]*[a-z])(?=[a-z0-9_%-]*[A-Z])[A-Za-z0-9_%-]{32,}")
"""As long as a secret, of its signs, and in both cases."""

Member = tuple[str, str]


def masking(places: Places) -> Callable[[str], str]:
    """Return what takes out every secret, the former ones too. It makes no secret where there is none."""
    known: Callable[[str], str] = str
    if places.secrets.exists():
        with contextlib.suppress(SecretFault):  # then the look of a secret must do
            known = Secrets(places.secrets).mask

    def mask(text: str) -> str:
        return _TOKEN.sub("***", _HOOK.sub(r"\1***", known(text)))

    return mask


def bundle(places: Places, state: dict[str, Any], check: dict[str, Any]) -> bytes:
    """Return the zip. `state` is the object of `trayalert status`, `check` what `trayalert check` found."""
    mask = masking(places)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _members(places, state, check):
            archive.writestr(mask(name), mask(text))
    return packed.getvalue()


def _members(places: Places, state: dict[str, Any], check: dict[str, Any]) -> Iterator[Member]:
    settings, problems = read_settings(places)
    yield "status.json", _json(state)
    yield "versions.json", _json(versions())
    yield "settings.json", _json({"settings": asdict(settings), "problems": problems})
    yield from _text(places.settings, "settings.toml")
    yield from _text(places.access_log, "access.log")
    for path in sorted(places.crashes.glob("*.txt")) if places.crashes.is_dir() else ():
        yield from _text(path, f"crashes/{path.name}")
    quarantine = quarantine_of(places.log)
    for path in sorted(quarantine.glob("*/why.txt")) if quarantine.is_dir() else ():
        yield from _text(path, f"quarantine/{path.parent.name}/{path.name}")
    yield "files.json", _json(list(_files(places.data_dir)))
    yield "check.json", _json(check)


def _text(path: Path, name: str) -> Iterator[Member]:
    """Return the end of a text file; where it cannot be read, why."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            yield name, file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return
    except OSError as error:
        yield f"{name}.unreadable", str(error)


def _files(folder: Path) -> Iterator[dict[str, Any]]:
    """List what lies in the data dir: names, sizes and rights, no content."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted((*names, *folders)):
            path = Path(root, name)
            try:
                found = path.lstat()
            except OSError as error:
                yield {"path": str(path.relative_to(folder)), "problem": str(error)}
                continue
            yield {
                "path": str(path.relative_to(folder)),
                "size": found.st_size,
                "mode": stat.filemode(found.st_mode),
                "owner": found.st_uid,
                "changed_at": iso(found.st_mtime_ns // 1_000_000),
            }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n"


def write(path: Path, content: bytes) -> None:
    """Write the bundle, readable by nobody else. Raise OSError."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
