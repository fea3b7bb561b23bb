"""Reads old callbacks again, so that those which only a newer trayalert understands turn into alerts.

The client asks repeatedly, and each time some callbacks are read: so a reparse can be stopped at any moment, and goes
on where it was left. Nobody is notified of the past.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from trayalert.domain.events import Event, ReparseProgress
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox, offline_jobs, read
from trayalert.storage.writer.reparse_slice import ReparseSlice

_REPORT_INTERVAL = 0.5
"""Seconds between two reports of the progress."""
_PAUSE = 0.002


async def reparse_some(inbox: Inbox, *, now: Millis, restart: bool) -> ReparseProgress:
    """Read some callbacks again beside the live ones, which go first. Raise NotStored."""
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
    """Read all callbacks again while no instance runs. Raise LogFault."""
    with offline_jobs(log) as run_job:
        finished = False
        while not finished:
            progress = _progress(run_job(ReparseSlice(read, now, restart)))
            restart, finished = False, progress.finished
            report(progress)


def _progress(events: tuple[Event, ...]) -> ReparseProgress:
    return next(event for event in events if isinstance(event, ReparseProgress))
