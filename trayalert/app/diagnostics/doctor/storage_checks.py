"""The doctor's checks of the log, the log's disk, and the package versions."""

import re
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from trayalert.app.diagnostics.crashes import versions
from trayalert.app.diagnostics.doctor.check_context import CheckContext, CheckResult, fail, ok, warn
from trayalert.domain.phrase import NAMES, Phrase, PhraseList, as_clause
from trayalert.domain.text import printable
from trayalert.services.maintenance.log_check import check_data_dir
from trayalert.storage.companion_files import reserve_file_of
from trayalert.storage.faults import NoLog
from trayalert.storage.file.disk_space import LOW_SPACE, disk_warning
from trayalert.storage.reader import Reader


def log(
    context: CheckContext, *, patience: float = 4.0, check: Callable[..., dict[str, Any]] = check_data_dir
) -> CheckResult:
    """Check the log for damage.

    `check` reads the whole log. If `check` takes longer than `patience` seconds, the result says only how many alerts
    the log holds.
    """
    state = context.running.log_state if context.running else None
    if state and not state.storing:
        message = PhraseList([Phrase("callbacks cannot be stored now."), *state.problems])
        return fail(message, Phrase("Do what that says."))
    path = context.places.log
    outcomes: list[dict[str, Any] | Exception] = []

    def run_check() -> None:
        try:
            outcomes.append(check(path, private_files=context.places.private))
        except Exception as error:  # noqa: BLE001 - raised below, on the thread of the check
            outcomes.append(error)

    thread = threading.Thread(target=run_check, name="doctor: whole log", daemon=True)
    thread.start()
    alerts = _count_alerts(path)
    thread.join(patience)
    if not outcomes:
        return ok(
            Phrase(
                "{path} answers, with {alerts:,} alerts; it is too long to be read as a whole here: trayalert check.",
                path=path,
                alerts=alerts,
            )
        )
    found = outcomes[0]
    if isinstance(found, Exception):
        raise found
    if found["problems"]:
        more = len(found["problems"]) - 1
        problem: str = found["problems"][0]
        if more:
            problem = Phrase("{problem}. And {count} more.", problem=as_clause(problem), count=more)
        restore = Phrase("`trayalert restore` puts a backup in the log's place.") if found["log_damaged"] else ""
        return fail(problem, PhraseList([Phrase("`trayalert check` tells all."), restore]))
    if not path.exists():
        return ok(Phrase("there is none yet."))
    return ok(
        Phrase(
            "{path} holds {alerts:,} alerts, each as it was written; there are {backups} backups.",
            path=path,
            alerts=alerts,
            backups=len(found["backups"]),
        )
    )


def _count_alerts(path: Path) -> int:
    """Return the number of alerts in the log, or 0 if there is no log. Raise LogFault if the log cannot be read."""
    try:
        with closing(Reader(path)) as reader:
            return reader.totals().alerts
    except NoLog:
        return 0


def disk(context: CheckContext) -> CheckResult:
    """Check how much space is free on the log's disk."""
    path = context.places.log
    folder = next(each for each in path.parents if each.exists())
    free = shutil.disk_usage(folder).free
    reserve = Phrase("The ballast is laid.") if reserve_file_of(path).exists() else ""
    message = PhraseList([Phrase("{size:,} MiB are free beside the log.", size=free >> 20), reserve])
    if not free:
        return fail(message, Phrase("Free some space on the disk of {folder}: callbacks are refused.", folder=folder))
    if found := disk_warning(path):
        return warn(found, Phrase("Do it soon: what Cloud Monitor cannot deliver it gives up after a few tries."))
    if free < LOW_SPACE:
        return warn(message, Phrase("Free some space on the disk of {folder}.", folder=folder))
    return ok(message)


def program_versions(_: CheckContext) -> CheckResult:
    """Check whether packages are installed in versions that are known to be bad."""
    return check_versions(versions())


def check_versions(found: Mapping[str, str]) -> CheckResult:
    """Return a result that lists the given versions. If a version is known to be bad, return a failure or a warning.

    `found` maps names to versions, as `crashes.versions` returns them. A name is that of a package, or another name
    such as `Python` or `system`.
    """
    listed = PhraseList(
        [f"{name} {printable(version, limit=80)}" for name, version in found.items() if name != "frozen"],
        separator=NAMES,
    )
    if (version := found.get("aiohttp")) and _numbers(version) < (3, 14, 4):
        return fail(
            Phrase("{versions}: this aiohttp lets strangers use up memory and time.", versions=listed),
            'pip install "aiohttp>=3.14.4,<3.15"',
        )
    if _numbers(found.get("PySide6-Essentials", "")) == (6, 12, 0) and _numbers(found["Python"]) < (3, 12):
        return warn(
            Phrase("{versions}: this PySide6 crashes on this Python.", versions=listed),
            'pip install "PySide6-Essentials>=6.11,<6.12"',
        )
    return ok(Phrase("{versions}.", versions=listed))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:3])
