"""The doctor's lines on what is kept here: the log, its disk, and the versions of what runs."""

import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trayalert.app.diagnostics.doctor.check_context import Found, Scene, fail, ok, warn
from trayalert.app.platform.versions import versions
from trayalert.domain.text import printable
from trayalert.services.maintenance.log_check import checkup
from trayalert.storage.companion_files import ballast_of
from trayalert.storage.faults import NoLog
from trayalert.storage.file.disk_space import LOW, worry
from trayalert.storage.reader import Reader

_PATIENCE = 4.0
"""Seconds for the whole log; a long one takes longer."""


def log(scene: Scene) -> Found:
    """Say whether the log is what was written, as far as a few seconds tell."""
    state = scene.running.log_state if scene.running else None
    if state and not state.storing:
        return fail(f"callbacks cannot be stored now. {' '.join(state.problems)}".strip(), "Do what that says.")
    path = scene.places.log
    looked: list[dict[str, Any] | Exception] = []

    def look() -> None:
        try:
            looked.append(checkup(path, others=scene.places.private))
        except Exception as error:  # noqa: BLE001 - raised below, where the line's guard hears it
            looked.append(error)

    thread = threading.Thread(target=look, name="doctor: whole log", daemon=True)
    thread.start()
    alerts = _glance(path)
    thread.join(_PATIENCE)
    if not looked:
        return ok(
            f"{path} answers, with {alerts:,} alerts; it is too long to be read as a whole here: trayalert check."
        )
    found = looked[0]
    if isinstance(found, Exception):
        raise found
    if found["problems"]:
        more = len(found["problems"]) - 1
        said = str(found["problems"][0]) + (f" And {more} more." if more else "")
        restore = " `trayalert restore` puts a backup in the log's place." if found["log_damaged"] else ""
        return fail(said, f"`trayalert check` tells all.{restore}")
    if not path.exists():
        return ok("there is none yet.")
    return ok(f"{path} holds {alerts:,} alerts, each as it was written; there are {len(found['backups'])} backups.")


def _glance(path: Path) -> int:
    """Count the alerts. Raise LogFault where the log cannot be read."""
    try:
        reader = Reader(path)
    except NoLog:
        return 0
    try:
        return reader.totals().alerts
    finally:
        reader.close()


def disk(scene: Scene) -> Found:
    """Say how much room there is."""
    path = scene.places.log
    folder = next(each for each in path.parents if each.exists())
    free = shutil.disk_usage(folder).free
    ballast = " The ballast is laid." if ballast_of(path).exists() else ""
    said = f"{free >> 20:,} MiB are free beside the log.{ballast}"
    if not free:
        return fail(said, f"Free some space on the disk of {folder}: callbacks are refused.")
    if found := worry(path):
        return warn(found, "Do it soon: what Cloud Monitor cannot deliver it gives up after a few tries.")
    return warn(said, f"Free some space on the disk of {folder}.") if free < LOW else ok(said)


def known_versions(_: Scene) -> Found:
    """Say whether something that runs here is known to be bad."""
    return judged(versions())


def judged(found: Mapping[str, str]) -> Found:
    """Tell the versions, and what is known to be bad among them."""
    told = ", ".join(f"{name} {printable(version, limit=80)}" for name, version in found.items() if name != "frozen")
    if (version := found.get("aiohttp")) and _numbers(version) < (3, 14, 4):
        return fail(
            f"{told}: this aiohttp lets strangers use up memory and time.", 'pip install "aiohttp>=3.14.4,<3.15"'
        )
    if _numbers(found.get("PySide6-Essentials", "")) == (6, 12, 0) and _numbers(found["Python"]) < (3, 12):
        return warn(f"{told}: this PySide6 crashes on this Python.", 'pip install "PySide6-Essentials>=6.11,<6.12"')
    return ok(f"{told}.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:3])
