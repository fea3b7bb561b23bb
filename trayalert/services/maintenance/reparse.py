"""Parses stored deliveries again. Deliveries that an older trayalert did not understand can become alerts.

If an instance is running, `trayalert reparse` sends one request after another to the instance. For each request, the
instance parses some of the deliveries. A reparse can therefore be stopped at any time. The next reparse continues where
the stopped reparse ended. No notification is shown for an alert that a reparse finds.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from trayalert.domain.events import Event, ReparseProgress
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox, offline_jobs, read
from trayalert.storage.writer.reparse_slice import ReparseSlice

_REPORT_INTERVAL = 0.5
"""Seconds after which `reparse_some` stops and returns the progress."""
_PAUSE = 0.002
"""Minimum pause between two transactions, in seconds."""


async def reparse_some(inbox: Inbox, *, now: Millis, restart: bool) -> ReparseProgress:
    """Parse some deliveries again while the receiver is running. Return the progress of the whole reparse.

    New callbacks take precedence over the reparse. If `restart` is true, start with the oldest delivery. If `restart`
    is false, continue where the last call stopped. Raise `NotStored` if the results cannot be stored.
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
    """Parse stored deliveries again until all have been parsed. For use when no instance is running.

    `report` is called with the progress after each transaction. If `restart` is true, start with the oldest delivery.
    If `restart` is false, continue where an earlier reparse stopped. Raise `LogFault` if the log cannot be opened or
    the results cannot be stored.
    """
    with offline_jobs(log) as run_job:
        finished = False
        while not finished:
            progress = _progress(run_job(ReparseSlice(read, now, restart)))
            restart, finished = False, progress.finished
            report(progress)


def _progress(events: tuple[Event, ...]) -> ReparseProgress:
    return next(event for event in events if isinstance(event, ReparseProgress))
