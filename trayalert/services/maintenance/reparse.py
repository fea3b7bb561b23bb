"""Reads old callbacks again, so that those turn into alerts that only a newer trayalert understands.

Whoever wants it asks again and again; each time some are read. So it can be stopped at any moment, and goes on where it
was left. Nobody is notified of the past.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from trayalert.domain.events import Event, ReparseProgress
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox, keep_raw, read
from trayalert.storage.writer.reparse_slice import ReparseSlice
from trayalert.storage.writer.writer import Writer

_REPORT_INTERVAL = 0.5
"""Seconds after which who asked is told how far it is."""
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
    """Read all again with no program running; its lock must be held. Raise LogFault."""
    writer = Writer(log, read=read, keep_raw=keep_raw)
    try:
        finished = False
        while not finished:
            (result,) = writer.commit([ReparseSlice(read, now, restart)])
            if isinstance(result, Exception):
                raise result
            progress = _progress(result)
            restart, finished = False, progress.finished
            report(progress)
    finally:
        writer.close()


def _progress(events: tuple[Event, ...]) -> ReparseProgress:
    return next(event for event in events if isinstance(event, ReparseProgress))
