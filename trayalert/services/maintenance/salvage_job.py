"""Takes over what former logs held, in the background: live callbacks go first. It tells how far it is, and the result.

Lives on the receiver's loop; the disk's work is done in threads. `salvage_alone` is for a command with no program
running.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trayalert.domain.times import Millis, iso
from trayalert.services.inbox import Inbox, keep_raw, read
from trayalert.storage.companion_files import quarantine_of
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.backups import newest_backup
from trayalert.storage.recovery.carver import Carved, Rest
from trayalert.storage.recovery.quarantine import mark, mark_of
from trayalert.storage.writer.salvage import Begin, Finish, Opened, Salvage, open_salvage, read_salvages
from trayalert.storage.writer.writer import Job, Writing

PART = "salvage"
_TRY_AGAIN = 5.0
_FIRST_TRY = 0.25
"""Seconds until a salvage is tried again: longer each time."""
_TELL_EVERY = 1.0
_SHORTEST_PAUSE = 0.002
_REMEMBERED: Millis = 86_400_000

_logger = logging.getLogger(__name__)


class Salvaging:
    """Salvages what waits for it. `now` is the wall clock."""

    def __init__(self, inbox: Inbox, log: Path, *, now: Callable[[], Millis]) -> None:
        self._inbox = inbox
        self._log = log
        self._now = now
        self._told_at = 0.0

    async def run(self) -> None:
        """Salvage all that waits; what fails is tried again until it is done."""
        pause = _FIRST_TRY
        while True:
            try:
                await self._inbox.do(Begin(self._log, self._now()))
                unfinished = [one for one in await asyncio.to_thread(read_salvages, self._log) if not one.finished_at]
                if not unfinished:
                    break
                self._inbox.set_salvaging(salvaging=True)
                await self._salvage(unfinished[0])
            except LogFault as fault:
                _logger.warning("the salvage waits: %s", fault)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _TRY_AGAIN)
        self._inbox.set_problem(PART, None)
        self._inbox.set_salvaging(salvaging=False)
        await self._tell_again()

    async def _tell_again(self) -> None:
        """Tell what came of the salvages of the last day: who was told before a restart may not have seen it."""
        for one in await asyncio.to_thread(read_salvages, self._log):
            if one.finished_at and 0 <= self._now() - one.finished_at < _REMEMBERED:
                told = await asyncio.to_thread(mark_of, quarantine_of(self._log) / one.folder)
                self._inbox.set_news(f"{PART} {one.folder}", told or conclusion(self._log, one, truncated=False))

    async def _salvage(self, salvage: Salvage) -> None:
        self._inbox.set_problem(PART, f"what the log held before {_time(salvage)} is being salvaged.")
        rest = Rest()
        try:
            with ExitStack() as stack:
                opened = await asyncio.to_thread(_open, self._log, salvage, stack, rest)
                await self._store(salvage, opened)
        finally:
            rest.stop()
        sentence = await asyncio.to_thread(_conclude, self._log, salvage, opened.carved)
        self._inbox.set_news(f"{PART} {salvage.folder}", sentence)
        _logger.warning("%s", sentence)

    async def _store(self, salvage: Salvage, opened: Opened) -> None:
        loop = asyncio.get_running_loop()
        file = self._inbox.log_state.new_file
        done = salvage.salvaged
        while (group := await asyncio.to_thread(next, opened.groups, None)) is not None:
            since = loop.time()
            await self._inbox.do(group)
            if self._inbox.log_state.new_file != file:
                raise LogFault("another file took the log's place")
            done += group.sound
            if loop.time() - self._told_at > _TELL_EVERY:
                self._told_at = loop.time()
                self._inbox.set_problem(PART, _progress(salvage, done, opened.carved))
            await asyncio.sleep(max(_SHORTEST_PAUSE, loop.time() - since))
        await self._inbox.do(_finish(salvage, opened.carved, self._now()))


def salvage_alone(log: Path, *, now: Millis) -> list[str]:
    """Salvage all that waits with no program running; its lock must be held. Return what came of it. Raise LogFault."""
    told = []
    writing = Writing(log, read=read, keep_raw=keep_raw)
    try:
        _do(writing, Begin(log, now))
        for salvage in read_salvages(log):
            if salvage.finished_at:
                continue
            with _opened(log, salvage, lambda: None) as opened:
                for group in opened.groups:
                    _do(writing, group)
                _do(writing, _finish(salvage, opened.carved, now))
            told.append(_conclude(log, salvage, opened.carved))
    finally:
        writing.close()
    return told


def _do(writing: Writing, job: Job) -> None:
    (result,) = writing.commit([job])
    if isinstance(result, Exception):
        raise result


def _open(log: Path, salvage: Salvage, stack: ExitStack, rest: Callable[[], None]) -> Opened:
    return stack.enter_context(_opened(log, salvage, rest))


@contextmanager
def _opened(log: Path, salvage: Salvage, rest: Callable[[], None]) -> Iterator[Opened]:
    """Open the salvage; a file that is gone from the quarantine holds nothing."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(open_salvage(log, salvage, read=read, keep_raw=keep_raw, rest=rest))
        except LogFault:
            if (quarantine_of(log) / salvage.folder / log.name).exists():
                raise
            opened = Opened(Carved(), iter(()))
        yield opened


def _finish(salvage: Salvage, carved: Carved, now: Millis) -> Finish:
    return Finish(salvage.folder, carved.damaged, carved.missing, now)


def _conclude(log: Path, salvage: Salvage, carved: Carved) -> str:
    """Write beside the file what came of it, and return that."""
    finished = next((one for one in read_salvages(log) if one.folder == salvage.folder), salvage)
    sentence = conclusion(log, finished, truncated=carved.truncated)
    mark(quarantine_of(log) / salvage.folder, sentence)
    return sentence


def conclusion(log: Path, salvage: Salvage, *, truncated: bool) -> str:
    """Return the sentence on a finished salvage: exact counts, and where the file is kept."""
    folder = quarantine_of(log) / salvage.folder
    if not salvage.total:
        backup = newest_backup(log, now=salvage.finished_at or salvage.begun_at)
        way_out = (
            f"`trayalert restore` brings back the backup of {iso(backup.made_at)}"
            if backup
            else "there is no backup that could be restored"
        )
        return f"Nothing could be salvaged of the log that was moved to {folder}; {way_out}."
    lost = [
        f"{count:,} {word}" for count, word in ((salvage.damaged, "damaged"), (salvage.missing, "missing")) if count
    ]
    return (
        f"{salvage.salvaged:,} of {salvage.total:,} callbacks of the former log were salvaged"
        + (f"; {' and '.join(lost)}, and what burned in those is not known" if lost else "")
        + (". Its end is gone, and how much that held cannot be told" if truncated else "")
        + ". Incidents that were marked recovered by hand may be open again."
        + f" The former file is kept in {folder}."
    )


def _progress(salvage: Salvage, done: int, carved: Carved) -> str:
    return f"what the log held before {_time(salvage)} is being salvaged: {done:,} of {len(carved.ids):,} callbacks."


def _time(salvage: Salvage) -> str:
    return str(iso(salvage.begun_at))[:16].replace("T", " ") + " UTC"
