"""Gaps in a real log: no gap is lost, however the program ended, and each gap is reported once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.storage.making import NOON, callback, locked, reading, until
from trayalert.domain.events import Event, ReceptionResumed
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.services.inbox import Inbox
from trayalert.services.reachability.downtime import DowntimeRecorder, DowntimeTiming

MINUTE = 60_000


@dataclass
class Clock:
    at: int = NOON

    def __call__(self) -> int:
        return self.at


def blind(since: int, why: str = "Nobody answers.") -> ReachabilityState:
    return ReachabilityState(reach=Reachability.BLIND, since=since, why=why)


def reachable(since: int) -> ReachabilityState:
    return ReachabilityState(reach=Reachability.REACHABLE, since=since)


@dataclass
class Run:
    folder: Path
    inbox: Inbox
    recorder: DowntimeRecorder
    clock: Clock
    events: list[Event]

    @property
    def listed(self) -> list[tuple[GapCause, int, int | None]]:
        with reading(self.folder / "trayalert.db") as log:
            return [(gap.cause, gap.began_at, gap.ended_at) for gap in log.gaps(limit=10)]


@asynccontextmanager
async def run(folder: Path, clock: Clock, *, settles: float = 0.0, killed: bool = False) -> AsyncIterator[Run]:
    """Run a `DowntimeRecorder` as one run of the program does. If `killed`, the recorder is not closed at the end."""
    inbox = Inbox(folder / "trayalert.db")
    events: list[Event] = []
    inbox.subscribe(events.extend)
    recorder = DowntimeRecorder(inbox, folder / "alive", now=clock, timing=DowntimeTiming(settling_time=settles))
    task = asyncio.create_task(recorder.run())
    try:
        await until((folder / "alive").exists)
        yield Run(folder, inbox, recorder, clock, events)
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not killed:
            await recorder.close()
        await inbox.close()


async def test_the_first_run_has_no_gap(tmp_path: Path) -> None:
    async with run(tmp_path, Clock()) as first:
        assert first.listed == []


async def test_the_time_between_two_runs_is_a_gap(tmp_path: Path) -> None:
    clock = Clock()
    async with run(tmp_path, clock):
        clock.at += MINUTE
    clock.at += 10 * MINUTE
    async with run(tmp_path, clock) as second:
        await until(lambda: second.listed == [(GapCause.OFF, NOON + MINUTE, NOON + 11 * MINUTE)])
    clock.at += 500
    async with run(tmp_path, clock) as third:
        assert len(third.listed) == 1, "a restart is none"
    clock.at -= 10 * MINUTE
    async with run(tmp_path, clock) as fourth:
        assert len(fourth.listed) == 1, "nor is a clock that was set back"


async def test_the_file_is_touched_as_long_as_the_program_runs(tmp_path: Path) -> None:
    clock = Clock()
    inbox = Inbox(tmp_path / "trayalert.db")
    timing = DowntimeTiming(touch_interval=0.01)
    recorder = DowntimeRecorder(inbox, tmp_path / "alive", now=clock, timing=timing)
    task = asyncio.create_task(recorder.run())
    try:
        await until((tmp_path / "alive").exists)
        clock.at += MINUTE
        await until(lambda: (tmp_path / "alive").stat().st_mtime_ns == clock.at * 1_000_000)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await inbox.close()


async def test_a_kill_ends_a_gap_when_the_program_was_last_alive(tmp_path: Path) -> None:
    clock = Clock()
    async with run(tmp_path, clock, killed=True) as first:
        first.recorder.set_reachability(blind(NOON - MINUTE))
        await until(lambda: first.listed == [(GapCause.BLIND, NOON - MINUTE, None)])
    clock.at += 5 * MINUTE
    async with run(tmp_path, clock) as second:
        await until(
            lambda: second.listed == [(GapCause.OFF, NOON, NOON + 5 * MINUTE), (GapCause.BLIND, NOON - MINUTE, NOON)]
        )


async def test_being_blind_is_one_gap_from_the_last_proof_to_the_next(tmp_path: Path) -> None:
    async with run(tmp_path, Clock()) as one:
        one.recorder.set_reachability(blind(NOON))
        one.recorder.set_reachability(blind(NOON, "Another reason."))
        one.recorder.set_reachability(reachable(NOON + MINUTE))
        await until(lambda: one.listed == [(GapCause.BLIND, NOON, NOON + MINUTE)])
        one.recorder.set_reachability(reachable(NOON + MINUTE))
    async with run(tmp_path, Clock()) as other:
        assert other.listed == [(GapCause.BLIND, NOON, NOON + MINUTE)]


async def test_what_the_log_cannot_take_now_is_written_when_it_can(tmp_path: Path) -> None:
    async with run(tmp_path, Clock()) as one:
        with locked(tmp_path / "trayalert.db"):
            one.recorder.record_sleep(NOON, NOON + MINUTE)
            await until(lambda: not one.inbox.log_state.storing, deadline=20)
        await until(lambda: one.listed == [(GapCause.ASLEEP, NOON, NOON + MINUTE)], deadline=20)


async def test_a_gap_is_told_once_with_what_came_since(tmp_path: Path) -> None:
    async with run(tmp_path, Clock(), settles=0.3) as one:
        one.recorder.record_sleep(NOON, NOON + 10 * MINUTE)
        await until(lambda: one.listed)
        await one.inbox.receive(callback("i-1"))
        await one.inbox.receive(callback("i-2"))
        await one.inbox.receive(callback("i-2", alertState="OK", at=NOON + 1))
        await until(lambda: any(isinstance(event, ReceptionResumed) for event in one.events))
        returned = [event for event in one.events if isinstance(event, ReceptionResumed)]
        gap = Gap(id=1, cause=GapCause.ASLEEP, began_at=NOON, ended_at=NOON + 10 * MINUTE)
        assert returned == [ReceptionResumed(gap, callbacks=3, opened=2, firing=1)]


async def test_a_short_gap_is_listed_and_disturbs_nobody(tmp_path: Path) -> None:
    async with run(tmp_path, Clock()) as one:
        one.recorder.record_sleep(NOON, NOON + 20_000)
        one.recorder.record_sleep(NOON + MINUTE, NOON + 2 * MINUTE)
        await until(lambda: any(isinstance(event, ReceptionResumed) for event in one.events))
        assert [event.gap.began_at for event in one.events if isinstance(event, ReceptionResumed)] == [NOON + MINUTE]
        assert len(one.listed) == 2


async def test_nobody_else_may_read_the_file_of_its_life(tmp_path: Path) -> None:
    async with run(tmp_path, Clock()):
        assert (tmp_path / "alive").stat().st_mode & 0o777 == 0o600
