"""Maintains the log while the receiver is running: expiry of incidents, salvage, daily backups and retention.

The scheduler runs on the receiver's event loop (`app/receiver.py`) and accesses the disk on threads. New callbacks take
precedence over maintenance. If maintenance fails, the failure is logged, the maintenance is tried again later, and the
receiver keeps running.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from trayalert.domain.events import CallbackArrived, Event, LogChanged
from trayalert.domain.settings.settings import Settings
from trayalert.domain.steady_clock import ClockState, behind_text, is_stable, jump_text, may_retire, observe_clock
from trayalert.domain.times import Millis
from trayalert.services.inbox import Inbox
from trayalert.services.maintenance.salvage_job import SalvageJob
from trayalert.storage.faults import LogFault
from trayalert.storage.recovery.backups import Backup, make_backup, newest_backup
from trayalert.storage.throttle import Throttle
from trayalert.storage.writer.retention import (
    Retire,
    Shrink,
    exceeds_limit,
    log_size,
    needs_vacuum,
    newest_delivery_time,
    next_deliveries,
)

_MINUTE = 60.0
_HOUR: Millis = 3_600_000
_DAY: Millis = 24 * _HOUR
_FIRST_BACKUP: Millis = 120_000
_FIRST_RETRY: Millis = 60_000
_PAUSE = 0.02
"""Seconds to wait after each transaction that retires deliveries or shrinks the log's file."""

_logger = logging.getLogger(__name__)


class MaintenanceScheduler:
    """Schedules all maintenance of the log. The scheduler is created and run on the receiver's event loop.

    `now` is the wall clock, and `ticks` is a clock that cannot be set. `minute` is the number of seconds between two
    rounds of maintenance.
    """

    def __init__(
        self,
        inbox: Inbox,
        log: Path,
        settings: Settings,
        *,
        now: Callable[[], Millis],
        ticks: Callable[[], Millis],
        minute: float = _MINUTE,
    ) -> None:
        self._inbox = inbox
        self._log = log
        self._settings = settings
        self._now = now
        self._ticks = ticks
        self._minute = minute
        self._clock: ClockState | None = None
        self._newest_at: Millis | None = None
        with suppress(LogFault):
            self._newest_at = newest_delivery_time(log)
        self._began_at = ticks()
        self._backup_at = self._began_at + _FIRST_BACKUP
        self._retire_at = self._began_at
        self._backup_failed_for: Millis = 0
        self._backing_up = asyncio.Lock()
        self._log_changed = asyncio.Event()
        inbox.subscribe(self._on_events)

    async def run(self) -> None:
        """Maintain the log until this coroutine is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._salvage())
            tasks.create_task(self._each_minute())

    async def back_up(self) -> Backup:
        """Make a backup now. If the backup fails, schedule another try and raise `LogFault`."""
        async with self._backing_up:
            throttle = Throttle(work=0.0, pause=0.01)
            keep, now = self._settings.backups, self._now()
            try:
                backup = await asyncio.to_thread(make_backup, self._log, keep=keep, now=now, throttle=throttle)
            except LogFault as fault:
                self._inbox.set_problem("backup", str(fault))
                self._schedule_backup_retry()
                raise
            finally:
                throttle.stop()
        self._inbox.set_problem("backup", None)
        self._backup_failed_for = 0
        return backup

    def _schedule_backup_retry(self) -> None:
        """Schedule another try after a backup has failed.

        The first wait is one minute. Each further failure doubles the wait, up to one hour.
        """
        # doubled, because each try may be expensive
        self._backup_failed_for = min(2 * self._backup_failed_for or _FIRST_RETRY, _HOUR)
        self._backup_at = self._ticks() + self._backup_failed_for

    def _on_events(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, LogChanged):
                self._log_changed.set()
            elif isinstance(event, CallbackArrived):
                self._newest_at = event.received_at  # even if earlier: the old time may come from a wrong clock

    async def _salvage(self) -> None:
        """Salvage quarantined logs when the receiver starts, and whenever another file has replaced the log's file."""
        job = SalvageJob(self._inbox, self._log, now=self._now)
        while True:
            file = self._inbox.log_state.new_file  # read first, because the file may be replaced during a salvage
            await self._run_safely(job.run)
            while self._inbox.log_state.new_file == file:
                self._log_changed.clear()
                await self._log_changed.wait()

    async def _each_minute(self) -> None:
        while True:
            for work in (self._expire, self._back_up_daily, self._retire_hourly, self._limit_size):
                await self._run_safely(work)
            await asyncio.sleep(self._minute)

    async def _run_safely(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except LogFault as fault:
            _logger.error("%s", fault)
        except Exception:  # a bug in trayalert must not stop the receiver
            _logger.exception("the log's keeping failed")

    async def _expire(self) -> None:
        if await self._clock_is_trusted():
            await self._inbox.expire(now=self._now())

    async def _back_up_daily(self) -> None:
        if self._ticks() < self._backup_at or not self._inbox.log_state.storing:
            return
        self._backup_at = self._ticks() + _HOUR
        newest = await asyncio.to_thread(newest_backup, self._log, now=self._now())
        if self._backup_failed_for or newest is None or not 0 <= self._now() - newest.made_at < _DAY:
            await self.back_up()

    async def _retire_hourly(self) -> None:
        if self._ticks() < self._retire_at or not await self._clock_is_trusted() or self._log_busy:
            return
        self._retire_at = self._ticks() + _HOUR
        before = self._now() - self._settings.keep_days * _DAY
        if before > 0:
            await self._retire(lambda after: next_deliveries(self._log, before=before, after=after), by_clock=True)
        await self._shrink()

    @property
    def _log_busy(self) -> bool:
        return self._inbox.log_state.salvaging or not self._inbox.log_state.storing

    async def _shrink(self) -> None:
        while needs_vacuum(size := await asyncio.to_thread(log_size, self._log)):
            await self._step(Shrink())
            if (await asyncio.to_thread(log_size, self._log)).free_pages >= size.free_pages:
                return

    async def _limit_size(self) -> None:
        """Retire the oldest deliveries if the log is too large.

        Unlike the age limit, the size limit does not rely on a correct clock.
        """
        if self._log_busy:
            return
        limit = self._settings.keep_megabytes
        if exceeds_limit(await asyncio.to_thread(log_size, self._log), megabytes=limit, shrinking=False):
            await self._retire(lambda after: self._oldest_over_limit(after, limit), by_clock=False)
            await self._shrink()

    def _oldest_over_limit(self, after: int, limit: int) -> tuple[int, ...]:
        too_large = exceeds_limit(log_size(self._log), megabytes=limit, shrinking=True)
        return next_deliveries(self._log, after=after) if too_large else ()

    async def _retire(self, choose: Callable[[int], tuple[int, ...]], *, by_clock: bool) -> None:
        after = 0
        while (not by_clock or await self._clock_is_trusted()) and (chosen := await asyncio.to_thread(choose, after)):
            await self._step(Retire(chosen))
            after = chosen[-1]

    async def _step(self, job: Retire | Shrink) -> None:
        await self._inbox.run_job(job)
        await asyncio.sleep(_PAUSE)

    async def _clock_is_trusted(self) -> bool:
        newest = await asyncio.to_thread(newest_delivery_time, self._log)
        stable, uptime = self._clock_is_stable(), self._ticks() - self._began_at
        return may_retire(clock_stable=stable, uptime=uptime, wall=self._now(), newest=newest)

    def _clock_is_stable(self) -> bool:
        """Return whether the wall clock is free of recent jumps.

        Soon after a jump, no incident may be closed because of its age. This method also reports two problems to the
        user: a recent jump, and a wall clock that is behind the newest delivery.
        """
        wall, ticks = self._now(), self._ticks()
        self._clock = observe_clock(self._clock, wall=wall, ticks=ticks)
        self._inbox.set_news("clock", jump_text(self._clock, ticks=ticks))
        self._inbox.set_problem("clock", behind_text(wall=wall, newest=self._newest_at))
        return is_stable(self._clock, ticks=ticks)
