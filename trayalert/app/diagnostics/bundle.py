"""The bundle that `trayalert diagnostics` writes: a zip file for the analysis of a fault.

A bundle contains only what this module lists, and no alerts. All its text is filtered twice. The mask removes the
current secrets and everything that looks like an old secret. The anonymiser replaces the names of people, computers and
resources.
"""

import contextlib
import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trayalert.app.diagnostics.anonymiser import Anonymiser
from trayalert.app.diagnostics.crashes import versions
from trayalert.app.diagnostics.settings_redaction import foreign_texts, redacted_settings
from trayalert.app.platform.places import Places, read_settings
from trayalert.domain.fault import Fault
from trayalert.domain.gap import Gap
from trayalert.domain.times import iso
from trayalert.services.access.secrets import DEFAULT_NAME, SecretFault, Secrets
from trayalert.storage.companion_files import quarantine_of
from trayalert.storage.reader import Reader

_TAIL_BYTES = 256 * 1024
"""Maximum number of bytes to read from the end of a text file."""
_GAPS = 200

_HOOK = re.compile(r"(/hook/)[^\s\"'?#,;)]+")
_TOKEN = re.compile(r"(?<![A-Za-z0-9_%-])(?=[A-Z0-9_%-]*[a-z])(?=[a-z0-9_%-]*[A-Z])[A-Za-z0-9_%-]{32,}")
"""Matches a word that may be a secret.

Such a word has the length and the characters of a secret, and contains both upper-case and lower-case letters.
"""

_WORDS = re.compile("[^\\W\\d_]+")
_OUR_NAMES = frozenset({
    "T", "Z", "access", "backups", "ballast", "control", "crash", "crashes", "db", "error", "fatal", "json", "journal",
    "lock", "log", "part", "quarantine", "restored", "scratch", "secrets", "seen", "settings", "shm", "sock", "state",
    "toml", "trayalert", "txt", "wal", "why",
})  # fmt: skip
"""Words that occur in the names of trayalert's own files."""

Member = tuple[str, str]


def _names_to_hide(places: Places) -> Iterator[str]:
    """Yield the names that the admin has chosen: strings in the settings, and the names of secrets."""
    with contextlib.suppress(OSError, ValueError):
        yield from foreign_texts(places.settings.read_text(encoding="utf-8-sig"))
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        for secret in json.loads(places.secrets.read_text(encoding="utf-8"))["secrets"]:
            if secret["name"] != DEFAULT_NAME:
                yield str(secret["name"])


def secret_mask(places: Places) -> Callable[[str], str]:
    """Return a function that masks the current secrets in a string, and everything else that looks like a secret.

    If the file with the secrets is missing, this function does not create the file.
    """
    mask_known: Callable[[str], str] = str
    if places.secrets.exists():
        with contextlib.suppress(SecretFault):  # the secrets cannot be read, so only what looks like a secret is masked
            mask_known = Secrets(places.secrets).mask

    def mask(text: str) -> str:
        return _TOKEN.sub("***", _HOOK.sub(r"\1***", mask_known(text)))

    return mask


def make_bundle(
    places: Places,
    state: Mapping[str, Any],
    check: Mapping[str, Any],
    doctor: Mapping[str, Any],
    *,
    anonymiser_type: type[Anonymiser] = Anonymiser,
) -> bytes:
    """Return the content of the bundle's zip file.

    `state`, `check` and `doctor` are the JSON objects of `trayalert status`, `trayalert check` and `trayalert doctor`.
    This function collects everything else that the bundle contains.
    """
    mask = secret_mask(places)
    anonymiser = anonymiser_type(_names_to_hide(places), {"<data dir>": places.data_dir, "<settings>": places.settings})
    settings, problems = read_settings(places)
    objects = {
        "status.json": state,
        "doctor.json": doctor,
        "versions.json": versions(),
        "settings.json": {"settings": redacted_settings(settings, anonymiser.setting), "problems": problems},
        "files.json": list(_files(places.data_dir, anonymiser)),
        "check.json": check,
        "gaps.json": _query_log(places, lambda log: list(map(_gap_record, log.gaps(limit=_GAPS)))),
        "incidents.json": _query_log(places, lambda log: {"open": dict(log.open_levels())}),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in objects.items():
            text = json.dumps(anonymiser.value(value), ensure_ascii=False, indent=1, default=str)
            archive.writestr(name, mask(text) + "\n")
        for name, text in _texts(places):
            archive.writestr(anonymiser.text(mask(name)), anonymiser.text(mask(text)))
    return packed.getvalue()


def _texts(places: Places) -> Iterator[Member]:
    for path in (places.access_log, places.program_log, places.program_log.with_name(f"{places.program_log.name}.1")):
        yield from _tail(path, path.name)
    for path in sorted(places.crashes.glob("*.txt")) if places.crashes.is_dir() else ():
        yield from _tail(path, f"crashes/{path.name}")
    quarantine = quarantine_of(places.log)
    for path in sorted(quarantine.glob("*/why.txt")) if quarantine.is_dir() else ():
        yield from _tail(path, f"quarantine/{path.parent.name}/{path.name}")


def _query_log(places: Places, query: Callable[[Reader], Any]) -> Any:
    """Return the result of a log query. If the log cannot be read, return a JSON object with the reason."""
    try:
        with contextlib.closing(Reader(places.log)) as reader:
            return query(reader)
    except Fault as fault:
        return {"problem": str(fault)}


def _gap_record(gap: Gap) -> dict[str, Any]:
    return asdict(gap) | {"began_at": iso(gap.began_at), "ended_at": iso(gap.ended_at)}


def _tail(path: Path, name: str) -> Iterator[Member]:
    """Yield one pair: `name` and the end of a text file. Yield nothing if the file does not exist.

    If the file cannot be read, the pair is `name` with the suffix `.unreadable`, and the reason.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            yield name, file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return
    except OSError as error:
        yield f"{name}.unreadable", str(error)


def _files(folder: Path, anonymiser: Anonymiser) -> Iterator[dict[str, Any]]:
    """Yield a JSON object for each file and folder in the data dir: path, size, mode, owner and modification time.

    In the path, each name that trayalert does not define is replaced. The content of the files is left out.
    """

    def shown_path(path: Path) -> str:
        parts = path.relative_to(folder).parts
        return "/".join(part if set(_WORDS.findall(part)) <= _OUR_NAMES else anonymiser.hashed(part) for part in parts)

    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted((*names, *folders)):
            path = Path(root, name)
            try:
                found = path.lstat()
            except OSError as error:
                yield {"path": shown_path(path), "problem": error.strerror}
                continue
            yield {
                "path": shown_path(path),
                "size": found.st_size,
                "mode": stat.filemode(found.st_mode),
                "owner": found.st_uid,
                "changed_at": iso(found.st_mtime_ns // 1_000_000),
            }


def write_bundle(path: Path, content: bytes) -> None:
    """Write the bundle to a file that other users cannot read. An existing file is replaced.

    Raise OSError if the file cannot be written.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
