"""Reads old callbacks again, so that those turn into alerts that only a newer trayalert understands.

Whoever wants it asks again and again; each time some are read. So it can be stopped at any moment, and goes on where it
was left. Nobody is notified of the past.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from trayalert.domain.events import Event, Reread
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox, keep_raw, read
from trayalert.storage.writer.reparse_slice import ReadAgain
from trayalert.storage.writer.writer import Writing

_AT_ONCE = 0.5
"""Seconds after which who asked is told how far it is."""
_PAUSE = 0.002


async def read_some_again(inbox: Inbox, *, now: Millis, anew: bool) -> Reread:
    """Read some callbacks again beside the live ones, which go first. Raise NotStored."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _AT_ONCE
    while True:
        since = loop.time()
        progress = _progress(await inbox.do(ReadAgain(read, now, anew)))
        anew = False
        if progress.finished or loop.time() > end:
            return progress
        await asyncio.sleep(max(_PAUSE, loop.time() - since))


def read_all_again(log: Path, *, now: Millis, anew: bool, tell: Callable[[Reread], None]) -> None:
    """Read all again with no program running; its lock must be held. Raise LogFault."""
    writing = Writing(log, read=read, keep_raw=keep_raw)
    try:
        finished = False
        while not finished:
            (result,) = writing.commit([ReadAgain(read, now, anew)])
            if isinstance(result, Exception):
                raise result
            progress = _progress(result)
            anew, finished = False, progress.finished
            tell(progress)
    finally:
        writing.close()


def _progress(events: tuple[Event, ...]) -> Reread:
    return next(event for event in events if isinstance(event, Reread))
