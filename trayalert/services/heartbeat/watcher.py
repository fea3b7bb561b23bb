"""Opens an incident when an expected callback is overdue, and closes the incident when the callback arrives.

Only time in which callbacks could arrive counts as silence. Silence is measured with a clock that cannot be set, so a
jump of the wall clock does not open an incident.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from trayalert.callbacks.silence import SilenceStatus, silence_callback, silence_key
from trayalert.domain.gap import Gap
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.settings.expected_callback import ExpectedCallback
from trayalert.domain.steady_clock import ClockState, is_stable, observe_clock
from trayalert.domain.times import Millis, read_timestamp
from trayalert.services.heartbeat.report_history import (
    Findings,
    HeartbeatState,
    KeyValueStore,
    is_unreported,
    load_states,
    save_states,
    search_log,
    time_in_gaps,
)
from trayalert.services.inbox import Inbox, read
from trayalert.storage.faults import LogFault
from trayalert.storage.reader import Reader
from trayalert.storage.writer.appender import Append

_MINUTE = 60.0
_SETTLING_TIME: Millis = 60_000
"""Milliseconds to wait after an interruption before an incident may open.

An interruption is a start of the program, a freeze, a salvage, or a time in which the log could not store callbacks.
The log may not yet contain the gap that the interruption has caused.
"""

_STALLED_AFTER: Millis = 180_000
_SAVE_INTERVAL: Millis = 3_600_000

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Heartbeat:
    """An expected callback, and how long it has been silent."""

    expected: ExpectedCallback
    state: HeartbeatState
    begun: Millis
    """The time, in ticks, from which silence is being counted."""
    settled: Millis = 0
    """Milliseconds of silence that were counted before `begun`."""
    silence: Millis = 0
    """Milliseconds of silence in total, without the time in gaps."""
    reported: bool = False
    """True if no incident has been stored for the current silence of the callback.

    If `reported` is true, the next update closes any open incident of an earlier silence of the callback.
    """

    def record_report(self, received_at: Millis, *, begun: Millis) -> None:
        """Record that the callback arrived at `received_at`. `begun` is the same time in ticks."""
        if received_at == self.state.last_at:  # the arrival was recorded before
            return
        later = begun > self.begun
        if later or self.state.last_at is None:
            self.state, self.begun, self.settled = HeartbeatState(self.state.since, received_at), begun, 0
        self.reported = self.reported or later  # an arrival in a salvaged log may be older than the silence

    def count(self, gaps: Sequence[Gap], *, now: Millis, ticks: Millis) -> None:
        """Set `silence` to the time that has passed since the silence began, without the time in gaps."""
        passed = max(0, ticks - self.begun)
        self.silence = self.settled + passed - time_in_gaps(gaps, since=now - passed, now=now)

    def settle(self, *, ticks: Millis) -> None:
        """Move the silence counted so far into `settled`, and continue the count from `ticks`.

        Called when the wall clock has jumped. Gaps are recorded in wall-clock time, and a time before the jump cannot
        be compared with a time after the jump. `ticks` is the time of the last update before the jump was noticed.
        """
        if ticks > self.begun:
            self.settled, self.begun = self.silence, ticks


class HeartbeatWatcher:
    """Watches the expected callbacks. A watcher is created and run on the receiver's event loop (`app/receiver.py`).

    `now` is the wall clock, and `ticks` is a clock that cannot be set. `settings_valid` is false if the settings
    contain a mistake. In that case, a callback may be missing from the settings by mistake, so the watcher does not
    close the incidents of missing callbacks.
    """

    def __init__(
        self,
        inbox: Inbox,
        log: Path,
        expected: Sequence[ExpectedCallback],
        *,
        now: Callable[[], Millis],
        ticks: Callable[[], Millis],
        store: KeyValueStore,
        settings_valid: bool,
        minute: float = _MINUTE,
    ) -> None:
        self._inbox = inbox
        self._log = log
        self._expected = expected
        self._now = now
        self._ticks = ticks
        self._store = store
        self._settings_valid = settings_valid
        self._minute = minute
        self._heartbeats: dict[str, _Heartbeat] = {}
        self._seen = 0
        self._repeated_until: Millis = 0
        self._clock: ClockState | None = None
        self._updated_at: tuple[Millis, Millis] | None = None
        self._steady_since = ticks()
        self._save_at = ticks()
        self._last_fault = ""

    async def run(self) -> None:
        """Check the expected callbacks once a minute until this coroutine is cancelled.

        If no callback is expected, return after the first successful check. This check closes the incidents of
        callbacks that are no longer expected.
        """
        while True:
            if await self._try_update() and not self._expected:
                return
            await asyncio.sleep(self._minute)

    async def _try_update(self) -> bool:
        """Run `_update` and return whether it succeeded. If a fault repeats, only its first occurrence is logged."""
        try:
            await self._update()
        except LogFault as fault:
            if str(fault) != self._last_fault:
                _logger.error("expected callbacks cannot be looked after: %s", fault)
            self._last_fault = str(fault)
            return False
        except Exception:  # a bug in trayalert must not end the receiver
            _logger.exception("expected callbacks cannot be looked after")
            return False
        self._last_fault = ""
        return True

    async def _update(self) -> None:
        now, ticks = self._now(), self._ticks()
        found, first_time = await self._search(now, ticks)
        jumped = self._follow_clock(now, ticks)
        for name, received_at in found.reports.items():
            by_old_clock = jumped and self._updated_at is not None and received_at >= self._updated_at[0]
            age = 0 if by_old_clock else max(0, now - received_at)
            self._heartbeats[name].record_report(received_at, begun=ticks - age)
        for heartbeat in self._heartbeats.values():
            heartbeat.count(found.gaps, now=now, ticks=ticks)
            if first_time:
                heartbeat.reported = is_unreported(found, heartbeat.expected.name, heartbeat.state.last_at)
        self._seen, self._repeated_until, self._updated_at = found.newest, found.repeated_until, (now, ticks)
        await self._save(ticks)
        log = self._inbox.log_state
        if not log.storing or log.salvaging:  # callbacks are refused, or the salvage may still find an arrival
            self._steady_since = ticks
        if log.storing:
            await self._report_changes(found, now, ticks)

    async def _search(self, now: Millis, ticks: Millis) -> tuple[Findings, bool]:
        """Search the log on a thread. Return what was found, and whether this was the first search."""
        first_time = self._updated_at is None
        if first_time:
            self._seen, states = await asyncio.to_thread(load_states, self._store, self._expected, now=now)
            self._heartbeats = {
                each.name: _Heartbeat(each, states[each.name], ticks - max(0, now - states[each.name].silent_since))
                for each in self._expected
            }
        longest = max((ticks - one.begun for one in self._heartbeats.values()), default=0)
        return await asyncio.to_thread(self._search_log, now - longest), first_time

    def _search_log(self, gaps_since: Millis) -> Findings:
        with closing(Reader(self._log)) as reader:
            since = self._repeated_until
            return search_log(reader, self._expected, seen=self._seen, since=since, gaps_since=gaps_since)

    def _follow_clock(self, now: Millis, ticks: Millis) -> bool:
        """Compare the wall clock with the ticks. Return whether the wall clock has jumped since the last update."""
        before = self._clock
        self._clock = observe_clock(before, wall=now, ticks=ticks)
        if self._updated_at and ticks - self._updated_at[1] > _STALLED_AFTER:
            self._steady_since = ticks
        if before is None or self._updated_at is None or self._clock.jump is before.jump:
            return False
        for one in self._heartbeats.values():
            one.settle(ticks=self._updated_at[1])
        return True

    async def _save(self, ticks: Millis) -> None:
        if self._expected and ticks >= self._save_at:
            self._save_at = ticks + _SAVE_INTERVAL
            states = {name: one.state for name, one in self._heartbeats.items()}
            await asyncio.to_thread(save_states, self._store, self._expected, states, seen=self._seen)

    async def _report_changes(self, found: Findings, now: Millis, ticks: Millis) -> None:
        """Store a report for each silence that has begun or ended.

        Raise NotStored if a report cannot be stored. The next update then tries to store the report once more.
        """
        assert self._clock is not None  # noqa: S101 - set by _follow_clock
        may_open = is_stable(self._clock, ticks=ticks) and ticks - self._steady_since >= _SETTLING_TIME
        for heartbeat in self._heartbeats.values():
            expected, last_at = heartbeat.expected, heartbeat.state.last_at
            latest = found.latest.get(silence_key(expected.name))
            silence_reported = latest is not None and latest.incident.ok_at is None
            if silence_reported and heartbeat.reported:
                await self._store_report(expected, SilenceStatus.RECEIVED, last_at, latest, now)
            elif not silence_reported and may_open and heartbeat.silence > expected.allowed_silence:
                heartbeat.reported = False
                await self._store_report(expected, SilenceStatus.SILENT, last_at, latest, now)
        for stored in found.open if self._settings_valid else ():
            name, fields = stored.alert.alert.name or "", stored.alert.alert.fields
            if name not in self._heartbeats:
                expected = ExpectedCallback(name=name, hours=float(fields["hours"]))
                last_at = read_timestamp(fields.get("last_at"))
                await self._store_report(expected, SilenceStatus.DROPPED, last_at, stored, now)

    async def _store_report(
        self,
        expected: ExpectedCallback,
        status: SilenceStatus,
        last_at: Millis | None,
        latest: StoredIncident | None,
        now: Millis,
    ) -> None:
        """Store a report that a silence has begun or ended. The report is stored in the same way as a callback.

        An OK that is dated before the last change of an incident would not close the incident. The report is therefore
        dated after the last change of `latest`, even if the wall clock has been set back.
        """
        at = now
        if latest is not None:
            incident = latest.incident
            at = max(now, incident.last_at + 1, (incident.ok_at or 0) + 1, (incident.closed_at or 0) + 1)
        callback = silence_callback(expected, status, last_at=last_at, at=at, now=now)
        await self._inbox.run_job(Append(callback, read(callback)))
