"""Salvages quarantined logs in the background and reports the progress and the result.

The job runs on the receiver's event loop (`app/receiver.py`) and reads the disk on threads. New callbacks take
precedence over the salvage. While no instance is running, commands call `salvage_offline` instead.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trayalert.domain.phrase import Phrase
from trayalert.domain.times import Millis, iso
from trayalert.services.inbox import Inbox, RunJob, keep_raw, offline_jobs, read
from trayalert.services.maintenance.salvage_outcome import outcome_text, read_outcome
from trayalert.storage.companion_files import quarantine_of
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.carver import CarvedDeliveries
from trayalert.storage.recovery.quarantine import write_salvage_result
from trayalert.storage.throttle import Throttle
from trayalert.storage.writer.salvage import (
    BeginSalvage,
    FinishSalvage,
    OpenSalvage,
    Salvage,
    open_salvage,
    read_salvages,
)

_TOPIC = "salvage"
_LONGEST_RETRY = 5.0
_FIRST_RETRY = 0.25
"""Seconds to wait before a failed salvage is tried again. Each failure doubles the wait, up to `_LONGEST_RETRY`."""
_PROGRESS_INTERVAL = 1.0
_SHORTEST_PAUSE = 0.002
_NEWS_SPAN: Millis = 86_400_000

_logger = logging.getLogger(__name__)


class SalvageJob:
    """Salvages all quarantined logs. `now` is the wall clock."""

    def __init__(self, inbox: Inbox, log: Path, *, now: Callable[[], Millis]) -> None:
        self._inbox = inbox
        self._log = log
        self._now = now
        self._progress_at = 0.0

    async def run(self) -> None:
        """Salvage all quarantined logs. If a salvage fails, try again until every salvage has succeeded."""
        pause = _FIRST_RETRY
        while True:
            try:
                await self._inbox.run_job(BeginSalvage(self._log, self._now()))
                unfinished = [one for one in await asyncio.to_thread(read_salvages, self._log) if not one.finished_at]
                if not unfinished:
                    break
                self._inbox.set_salvaging(salvaging=True)
                await self._salvage(unfinished[0])
            except LogFault as fault:
                _logger.warning("the salvage waits: %s", fault)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_RETRY)
        self._inbox.set_problem(_TOPIC, None)
        self._inbox.set_salvaging(salvaging=False)
        await self._restore_news()

    async def _restore_news(self) -> None:
        """Report the results of the salvages that finished in the last 24 hours.

        The program may have restarted after an earlier report, and the user may not have seen that report.
        """
        for one in await asyncio.to_thread(read_salvages, self._log):
            if one.finished_at and 0 <= self._now() - one.finished_at < _NEWS_SPAN:
                self._inbox.set_news(f"{_TOPIC} {one.folder}", await asyncio.to_thread(read_outcome, self._log, one))

    async def _salvage(self, salvage: Salvage) -> None:
        self._inbox.set_problem(
            _TOPIC, Phrase("what the log held before {time} is being salvaged.", time=_time_text(salvage))
        )
        throttle = Throttle()
        try:
            with ExitStack() as stack:
                opened = await asyncio.to_thread(stack.enter_context, _open_or_empty(self._log, salvage, throttle))
                await self._store(salvage, opened)
        finally:
            throttle.stop()
        sentence = await asyncio.to_thread(_write_outcome, self._log, salvage, opened.carved)
        self._inbox.set_news(f"{_TOPIC} {salvage.folder}", sentence)
        _logger.warning("%s", sentence)

    async def _store(self, salvage: Salvage, opened: OpenSalvage) -> None:
        loop = asyncio.get_running_loop()
        file = self._inbox.log_state.new_file
        done = salvage.salvaged
        while (group := await asyncio.to_thread(next, opened.groups, None)) is not None:
            since = loop.time()
            await self._inbox.run_job(group)
            if self._inbox.log_state.new_file != file:
                raise LogFault(Phrase("another file took the log's place"))
            done += group.sound_count
            if loop.time() - self._progress_at > _PROGRESS_INTERVAL:
                self._progress_at = loop.time()
                self._inbox.set_problem(_TOPIC, _progress_text(salvage, done, opened.carved))
            await asyncio.sleep(max(_SHORTEST_PAUSE, loop.time() - since))
        await self._inbox.run_job(_finish(salvage, opened.carved, self._now()))


def salvage_offline(log: Path, *, now: Millis) -> list[str]:
    """Salvage all quarantined logs. Return a sentence about each result. For use when no instance is running.

    Raise `LogFault` if a quarantined log cannot be read or the current log cannot be written.
    """
    with offline_jobs(log) as run_job:
        return salvage_all(log, run_job, now=now)


def salvage_all(log: Path, run_job: RunJob, *, now: Millis) -> list[str]:
    """Salvage all quarantined logs. Return a sentence about each result.

    `run_job` runs a job in a transaction of the current log. Raise `LogFault` if a quarantined log cannot be read or a
    job fails.
    """
    outcomes = []
    run_job(BeginSalvage(log, now))
    for salvage in read_salvages(log):
        if salvage.finished_at:
            continue
        with _open_or_empty(log, salvage, lambda: None) as opened:
            for group in opened.groups:
                run_job(group)
            run_job(_finish(salvage, opened.carved, now))
        outcomes.append(_write_outcome(log, salvage, opened.carved))
    return outcomes


@contextmanager
def _open_or_empty(log: Path, salvage: Salvage, throttle: Callable[[], None]) -> Iterator[OpenSalvage]:
    """Open a salvage. If the quarantined log is missing, yield an empty salvage."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(open_salvage(log, salvage, read=read, keep_raw=keep_raw, throttle=throttle))
        except LogFault:
            if (quarantine_of(log) / salvage.folder / log.name).exists():
                raise
            opened = OpenSalvage(CarvedDeliveries(), iter(()))
        yield opened


def _finish(salvage: Salvage, carved: CarvedDeliveries, now: Millis) -> FinishSalvage:
    return FinishSalvage(salvage.folder, carved.damaged, carved.missing, now)


def _write_outcome(log: Path, salvage: Salvage, carved: CarvedDeliveries) -> str:
    """Write a sentence about the result of a salvage into the quarantined log's folder. Return the sentence."""
    finished = next((one for one in read_salvages(log) if one.folder == salvage.folder), salvage)
    sentence = outcome_text(log, finished, truncated=carved.truncated)
    write_salvage_result(quarantine_of(log) / salvage.folder, sentence)
    return sentence


def _progress_text(salvage: Salvage, done: int, carved: CarvedDeliveries) -> str:
    return Phrase(
        "what the log held before {time} is being salvaged: {count:,} of {total:,} callbacks.",
        time=_time_text(salvage),
        count=done,
        total=len(carved.ids),
    )


def _time_text(salvage: Salvage) -> str:
    return str(iso(salvage.begun_at))[:16].replace("T", " ") + " UTC"
