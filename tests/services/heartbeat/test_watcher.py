"""An expected callback that does not arrive opens one incident. Only time in which callbacks could arrive counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.storage.making import HOUR, MINUTE, NOON, append, callback, locked, read, reading, rows, store, until
from trayalert.callbacks.silence import SilenceStatus, silence_callback
from trayalert.domain.callback import INTERNAL_METHOD
from trayalert.domain.events import CallbackArrived, Event
from trayalert.domain.gap import GapCause
from trayalert.domain.incident.alert import SILENCE
from trayalert.domain.incident.level import Level
from trayalert.domain.settings.expected_callback import ExpectedCallback
from trayalert.services.heartbeat.report_history import HeartbeatState, expected_records, load_states
from trayalert.services.heartbeat.watcher import HeartbeatWatcher
from trayalert.services.inbox import Inbox
from trayalert.services.presentation.json_records import is_unconfirmed
from trayalert.storage.writer.gap_records import AddGap, EndGaps
from trayalert.storage.writer.incident_closure import Resolve
from trayalert.storage.writer.reparse_slice import ReparseSlice
from trayalert.storage.writer.retention import newest_delivery_time

DAY = 24 * HOUR
BACKUP = ExpectedCallback(name="backup", hours=25, level=Level.CRITICAL, rule="CPU")


@dataclass
class World:
    """The wall clock, the ticks and the state store of a watcher. The clocks advance only when a test says so."""

    log: Path
    now: int = NOON
    ticks: int = 5_000
    looks: int = 0
    kept: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        return self.kept.get(name)

    def set(self, name: str, value: Any) -> None:
        self.kept[name] = value

    def ask_ticks(self) -> int:
        self.looks += 1
        return self.ticks

    async def pass_(self, length: int) -> None:
        """Advance both clocks by `length` and wait until the watcher has read the clocks.

        The last two steps are a minute each, because the watcher expects to read the clocks every minute.
        """
        for step in (length - 2 * MINUTE, MINUTE, MINUTE) if length > 2 * MINUTE else (length,):
            self.now += step
            self.ticks += step
            await self.look()

    async def look(self) -> None:
        enough = self.looks + 3
        await until(lambda: self.looks >= enough)

    @property
    def reports(self) -> list[tuple[str, str]]:
        """The alerts that the watcher has stored, in order."""
        sql = "SELECT state, json_extract(more, '$.message') FROM alert WHERE kind = 'silence' ORDER BY id"
        return rows(self.log, sql)

    @property
    def states(self) -> list[str]:
        return [state for state, _ in self.reports]

    @property
    def open(self) -> int:
        return int(rows(self.log, "SELECT count(*) FROM incident WHERE closed_at IS NULL")[0][0])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "trayalert.db")


@asynccontextmanager
async def watching(
    world: World, *expected: ExpectedCallback, settings_valid: bool = True, settled: bool = True
) -> AsyncIterator[tuple[Inbox, "asyncio.Task[None]"]]:
    inbox = Inbox(world.log)
    await until(world.log.exists)
    watcher = HeartbeatWatcher(
        inbox,
        world.log,
        expected,
        now=lambda: world.now,
        ticks=world.ask_ticks,
        store=world,
        settings_valid=settings_valid,
        minute=0.005,
    )
    task = asyncio.create_task(watcher.run())
    try:
        if expected and settled:
            await world.look()
        yield inbox, task
        assert not task.done() or not expected
    finally:
        task.cancel()
        await asyncio.wait([task])
        await inbox.close()


async def report(world: World, inbox: Inbox, state: str = "OK", **fields: Any) -> None:
    assert await inbox.receive(callback(at=world.now, alertState=state, **fields))
    await world.look()


async def test_silence_opens_one_incident_and_the_next_report_closes_it(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await world.pass_(25 * HOUR)
        assert world.states == []
        await world.pass_(2 * MINUTE)
        assert world.reports == [("ALERT", "No callback of backup for 25 h (last 2026-09-21 14:13 UTC)")]
        await world.pass_(10 * DAY)
        assert world.states == ["ALERT"]
        assert rows(world.log, "SELECT level, closed_at FROM incident WHERE last_alert_id = 2") == [("CRITICAL", None)]
        await report(world, inbox)
        assert world.states == ["ALERT", "OK"]
        assert world.open == 0
        await world.pass_(25 * HOUR + 2 * MINUTE)
        assert world.states == ["ALERT", "OK", "ALERT"]


@pytest.mark.parametrize("state", ["ALERT", "OK", "INSUFFICIENT_DATA"])
async def test_any_state_is_a_report_and_others_are_none(world: World, state: str) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await world.pass_(20 * HOUR)
        await report(world, inbox, state)
        await world.pass_(20 * HOUR)
        assert world.states == []
        await report(world, inbox, state, alertName="other", ruleId="rule-2")
        await world.pass_(6 * HOUR)
        assert world.states == ["ALERT"]


async def test_an_alert_that_is_said_again_reports_each_time(world: World) -> None:
    """A watchdog of Prometheus, for example, fires all the time, always with the same start time."""
    again = callback(at=NOON, came=NOON)
    async with watching(world, BACKUP) as (inbox, _):
        for _ in range(4):
            assert await inbox.receive(replace(again, received_at=world.now))
            await world.pass_(20 * HOUR)
        assert world.states == []
        assert rows(world.log, "SELECT deliveries FROM alert") == [(4,)]
        await world.pass_(6 * HOUR)
        assert world.states == ["ALERT"]


async def test_one_that_never_reported_counts_from_when_it_was_first_watched(world: World) -> None:
    async with watching(world, BACKUP):
        await world.pass_(20 * HOUR)
    world.now += 20 * HOUR
    store(world.log, AddGap(cause=GapCause.OFF, began_at=world.now - 20 * HOUR, ended_at=world.now))
    world.ticks = 7
    async with watching(world, BACKUP):
        await world.pass_(4 * HOUR)
        assert world.states == []
        await world.pass_(HOUR + MINUTE)
        assert world.reports == [("ALERT", "No callback of backup for 25 h (none yet)")]
    assert world.kept["expected"]["watched"]["backup"]["since"] == NOON


async def test_what_could_not_be_heard_is_no_silence(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await inbox.run_job(AddGap(cause=GapCause.BLIND, began_at=world.now + HOUR))  # the gap has no end yet
        await world.pass_(40 * HOUR)
        assert world.states == []
        await inbox.run_job(EndGaps(world.now))
        await world.pass_(23 * HOUR)
        assert world.states == []
        await world.pass_(2 * HOUR)
        assert world.states == ["ALERT"]


async def test_sleep_that_is_noted_down_a_little_late_opens_nothing(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        world.now, world.ticks = world.now + 40 * HOUR, world.ticks + 40 * HOUR
        await world.look()
        assert world.states == []
        await inbox.run_job(AddGap(cause=GapCause.ASLEEP, began_at=world.now - 40 * HOUR, ended_at=world.now))
        await world.pass_(24 * HOUR)
        assert world.states == []
        await world.pass_(HOUR + MINUTE)
        assert world.states == ["ALERT"]


async def test_a_clock_that_jumps_opens_nothing_and_loses_no_time(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await inbox.run_job(AddGap(cause=GapCause.BLIND, began_at=world.now, ended_at=world.now + 5 * HOUR))
        await world.pass_(29 * HOUR)
        world.now += 400 * DAY
        await world.look()
        await world.pass_(58 * MINUTE)
        assert world.states == []
        world.now -= 800 * DAY
        await world.look()
        await world.pass_(5 * MINUTE)
        assert world.states == []  # within ten minutes after a jump of the clock, no incident is opened
        await world.pass_(6 * MINUTE)
        assert world.states == ["ALERT"]
        assert await inbox.receive(callback(at=world.now))
        world.now, world.ticks = world.now + 400 * DAY, world.ticks + 1_000
        await world.look()
        assert world.states == ["ALERT", "OK"]
        assert world.open == 0


async def test_a_gap_that_ended_in_the_future_makes_not_deaf_for_ever(world: World) -> None:
    """The computer started with a clock that was a year ahead, so the end of the gap was recorded a year ahead, too."""
    store(world.log, append(at=NOON), AddGap(cause=GapCause.OFF, began_at=NOON + HOUR, ended_at=NOON + 365 * DAY))
    world.now = NOON + 365 * DAY
    async with watching(world, BACKUP):
        await world.pass_(10 * MINUTE)
        world.now = NOON + 3 * HOUR
        await world.pass_(20 * MINUTE)
        assert world.states == []
        await world.pass_(26 * HOUR)
        assert world.states == ["ALERT"]


async def test_a_clock_that_was_set_back_closes_and_opens_all_the_same(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await world.pass_(26 * HOUR)
        world.now -= 3 * DAY
        await world.pass_(20 * MINUTE)
        await report(world, inbox)
        assert (world.states, world.open) == (["ALERT", "OK"], 0)
        await world.pass_(26 * HOUR)
        assert (world.states, world.open) == (["ALERT", "OK", "ALERT"], 1)


async def test_after_a_restart_it_goes_on_and_an_open_incident_is_not_opened_anew(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await world.pass_(24 * HOUR)
    world.ticks = 100
    async with watching(world, BACKUP):
        await world.pass_(2 * HOUR)
        assert world.states == ["ALERT"]
    world.kept.clear()
    for remembered in (True, False):
        async with watching(world, BACKUP) as (inbox, _):
            await world.pass_(26 * HOUR)
            assert world.states == ["ALERT"]
        if remembered:
            world.kept.clear()
    store(world.log, append(at=world.now + HOUR, alertState="OK"))  # stored by the earlier run just before it ended
    world.now += HOUR
    async with watching(world, BACKUP):
        await world.look()
        assert (world.states, world.open) == (["ALERT", "OK"], 0)


async def test_a_report_from_before_its_silence_does_not_end_it_after_a_restart(world: World) -> None:
    short = replace(BACKUP, hours=0.02)
    async with watching(world, short) as (inbox, _):
        await world.pass_(2 * MINUTE)
        await report(world, inbox, "ALERT")
        await world.pass_(5 * MINUTE)
        assert world.states[-1] == "ALERT"
    states = world.states
    world.ticks = 9
    async with watching(world, short):
        await world.pass_(5 * MINUTE)
    assert world.states == states


async def test_one_that_a_person_closed_is_not_opened_before_it_reports(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await world.pass_(26 * HOUR)
        await inbox.run_job(Resolve(2, world.now))
        await world.pass_(50 * HOUR)
        assert (world.states, world.open) == (["ALERT"], 0)
        await report(world, inbox)
        await world.pass_(26 * HOUR)
        assert (world.states, world.open) == (["ALERT", "OK", "ALERT"], 1)


async def test_what_is_expected_no_more_is_closed_unless_the_settings_may_be_wrong(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await world.pass_(26 * HOUR)
    async with watching(world, settings_valid=False) as (_, task):
        await until(task.done)
    assert world.open == 1
    other = replace(BACKUP, name="other")
    async with watching(world, other):
        await until(lambda: world.open == 0)
    assert world.reports[-1] == ("OK", "backup is no longer expected (last 2026-09-21 14:13 UTC)")


async def test_with_nothing_expected_it_looks_once(world: World) -> None:
    async with watching(world) as (_, task):
        await until(task.done)


async def test_what_cannot_be_stored_now_is_said_later(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        with locked(world.log):
            # the failed commit shows that the log cannot store
            assert not await inbox.receive(callback("i-2", alertName="other", ruleId="rule-2"))
            world.now, world.ticks = world.now + 26 * HOUR, world.ticks + 26 * HOUR
        await until(lambda: inbox.log_state.storing)
        await world.pass_(2 * MINUTE)
        await until(lambda: world.states == ["ALERT"])
        assert all("callbacks were" not in news for news in inbox.log_state.news)


async def test_another_rule_under_the_same_name_begins_anew(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await world.pass_(24 * HOUR)
    async with watching(world, replace(BACKUP, rule="other*")):
        await world.pass_(2 * HOUR)
        assert world.states == []


async def test_what_the_program_says_is_no_callback_of_cloud_monitor(world: World) -> None:
    events: list[Event] = []
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        inbox.subscribe(events.extend)
        await world.pass_(26 * HOUR)
        assert world.states == ["ALERT"]
    assert events
    assert not any(isinstance(event, CallbackArrived) for event in events)
    assert rows(world.log, "SELECT method, sender, secret FROM delivery")[1:] == [(INTERNAL_METHOD, "", "")]
    assert newest_delivery_time(world.log) == NOON
    with reading(world.log) as reader:
        assert reader.last_callback_at() == reader.totals().last_callback_at == NOON
        assert reader.secret_uses() == []
        (silent,) = reader.open_incidents_of_kind(SILENCE)
    assert silent.alert.alert.message
    assert not is_unconfirmed(silent, now=world.now + 400 * DAY, mute_period=HOUR)


async def test_what_was_said_is_read_again_as_it_was(world: World) -> None:
    async with watching(world, BACKUP) as (inbox, _):
        await report(world, inbox)
        await world.pass_(26 * HOUR)
        await report(world, inbox)
        before = rows(world.log, "SELECT * FROM alert ORDER BY id")
        await inbox.run_job(ReparseSlice(lambda one: read(one).alerts, world.now, restart=True))
        assert rows(world.log, "SELECT * FROM alert ORDER BY id") == before


def test_they_are_listed_with_no_program_running(world: World) -> None:
    quiet, new = replace(BACKUP, name="quiet", rule="nobody"), replace(BACKUP, name="new", kind="sls")
    all_ = (BACKUP, quiet, new)
    store(
        world.log,
        append(at=NOON - 30 * HOUR),
        AddGap(cause=GapCause.OFF, began_at=NOON - 20 * HOUR, ended_at=NOON - 10 * HOUR),
        read(silence_callback(quiet, SilenceStatus.SILENT, last_at=None, at=NOON, now=NOON)),
    )
    with reading(world.log) as reader:
        found = expected_records(reader, all_, world, now=NOON, listening=True)
        asleep = expected_records(reader, all_, world, now=NOON, listening=False)
    assert [(row["name"], row["state"], row["last_at"], row["due_at"]) for row in found] == [
        ("backup", "ok", NOON - 30 * HOUR, NOON + 5 * HOUR),
        ("quiet", "silent", None, None),
        ("new", "waiting", None, NOON + 25 * HOUR),
    ]
    assert [row["due_at"] for row in asleep] == [None] * 3
    assert [row["state"] for row in expected_records(None, all_, world, now=NOON, listening=False)] == ["waiting"] * 3


@pytest.mark.parametrize("kept", [7, {}, {"seen": "x", "watched": 7}, {"seen": 3, "watched": {"backup": {"what": 1}}}])
def test_a_memory_that_makes_no_sense_is_begun_anew(world: World, kept: object) -> None:
    world.kept["expected"] = kept
    assert load_states(world, [BACKUP], now=NOON) == (0, {"backup": HeartbeatState(NOON)})
