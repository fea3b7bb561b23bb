"""Reads old callbacks again, so that callbacks which only a newer trayalert understands become alerts.

A client sends one request after the other, and each request reads some callbacks. Therefore a reparse can be stopped at
any time, and later continues where it stopped. No notification is shown for an old callback.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from trayalert.domain.events import Event, ReparseProgress
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox, offline_jobs, read
from trayalert.storage.writer.reparse_slice import ReparseSlice

_REPORT_INTERVAL = 0.5
"""Seconds after which `reparse_some` stops and reports the progress."""
_PAUSE = 0.002
"""Shortest pause between two transactions, in seconds."""


async def reparse_some(inbox: Inbox, *, now: Millis, restart: bool) -> ReparseProgress:
    """Read some callbacks again while the receiver runs. Live callbacks go first. Raise `NotStored`.

    With `restart`, begin again at the oldest callback.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + _REPORT_INTERVAL
    while True:
        since = loop.time()
        progress = _progress(await inbox.run_job(ReparseSlice(read, now, restart)))
        restart = False
        if progress.finished or loop.time() > end:
            return progress
        await asyncio.sleep(max(_PAUSE, loop.time() - since))


def reparse_offline(log: Path, *, now: Millis, restart: bool, report: Callable[[ReparseProgress], None]) -> None:
    """Read all callbacks again while no instance runs. `report` is called after each transaction. Raise `LogFault`.

    With `restart`, begin again at the oldest callback.
    """
    with offline_jobs(log) as run_job:
        finished = False
        while not finished:
            progress = _progress(run_job(ReparseSlice(read, now, restart)))
            restart, finished = False, progress.finished
            report(progress)


def _progress(events: tuple[Event, ...]) -> ReparseProgress:
    return next(event for event in events if isinstance(event, ReparseProgress))
