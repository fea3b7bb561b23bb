"""The dispatcher: each channel gets its requests, whatever happens in the log and in the other channels."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.services.notify.channels import FailingChannel, HangingChannel, MemoryChannel, until
from tests.services.notify.test_policy import NOW, stored
from trayalert.domain.events import (
    CallbackArrived,
    CallbackRefused,
    Event,
    IncidentChanged,
    ListenerChanged,
    LogChanged,
    ReachabilityChanged,
)
from trayalert.domain.fault import Fault
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import (
    SUMMARY_TAG,
    incident_tag,
)
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.wording.language import Language
from trayalert.services.notify.dispatcher import DispatcherTiming, NotificationDispatcher
from trayalert.services.notify.notification_writer import NotificationWriter
from trayalert.services.notify.policy import BURST
from trayalert.services.notify.reachability_policy import PATIENCE
from trayalert.services.notify.summary import SUMMARY_INTERVAL

OPENED = Change.OPENED


class World:
    """A dispatcher with a log and a clock that the test controls."""

    def __init__(self) -> None:
        self.now = NOW
        self.log: dict[int, StoredIncident] | None = {}
        self.texts_readable = True
        self.text_bug: Exception | None = None
        self.text_queries = 0
        self.text_answer = asyncio.Event()
        self.text_answer.set()
        self.queries: list[Sequence[int]] = []
        self.bug: Exception | None = None
        self.answer = asyncio.Event()
        self.answer.set()
        self.dispatcher = NotificationDispatcher(
            lookup=self,
            writer=NotificationWriter(links=lambda _: (), language=lambda: Language.EN),
            now=lambda: self.now,
            timing=DispatcherTiming(batch_interval=0.01, retry_interval=0.01, longest_timer=0.01),
        )

    async def states(self, ids: Sequence[int]) -> Sequence[Incident] | None:
        self.queries.append(ids)
        if self.bug:
            raise self.bug
        log = self.log
        await self.answer.wait()
        return None if log is None else [log[number].incident for number in ids if number in log]

    async def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        self.text_queries += 1
        await self.text_answer.wait()
        if self.text_bug:
            raise self.text_bug
        log = self.log if self.texts_readable else None
        return None if log is None else [log[number] for number in ids if number in log]

    def attach(self, channel: MemoryChannel, *present: Event, available: bool = True) -> MemoryChannel:
        self.dispatcher.attach(channel, present, available=available)  # type: ignore[arg-type]
        return channel

    def change(self, number: int, change: Change, **state: Any) -> None:
        """Change an incident in the log and announce the change."""
        assert self.log is not None
        one = self.log[number]
        self.log[number] = StoredIncident(incident=one.incident._replace(**state), alert=one.alert)
        self.dispatcher.on_events([IncidentChanged(number, change)])

    def open(self, *numbers: int) -> None:
        assert self.log is not None
        self.log.update((number, stored(number)) for number in numbers)
        self.dispatcher.on_events([IncidentChanged(number, OPENED) for number in numbers])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.answer.set()
    await made.dispatcher.close()


def tags(*numbers: int) -> list[str]:
    return [incident_tag(number) for number in numbers]


async def test_each_channel_gets_all_of_it(world: World) -> None:
    one, other = world.attach(MemoryChannel()), world.attach(MemoryChannel())
    world.open(1, 2)
    await until(lambda: one.shown_tags == other.shown_tags == tags(1, 2))


async def test_events_of_one_moment_are_one_query_and_repeats_are_none(world: World) -> None:
    channel = world.attach(MemoryChannel())
    for number in (1, 2, 3):
        world.open(number)
    world.dispatcher.on_events(
        [CallbackArrived(NOW), IncidentChanged(1, Change.COUNTED), IncidentChanged(1, Change.LATE)]
    )
    await until(lambda: len(channel.shown) == 3)
    assert [sorted(ids) for ids in world.queries] == [[1, 2, 3]]


async def test_what_the_log_does_not_answer_is_shown_once_it_does(world: World) -> None:
    channel = world.attach(MemoryChannel())
    log, world.log = {1: stored(1), 2: stored(2)}, None
    world.dispatcher.on_events([IncidentChanged(1, OPENED)])
    world.dispatcher.on_events([IncidentChanged(2, OPENED)])
    await until(lambda: len(world.queries) > 3)
    assert channel.requests == []
    world.log = log
    await until(lambda: sorted(channel.shown_tags) == tags(1, 2))
    queries = len(world.queries)
    world.dispatcher.on_events([])
    await asyncio.sleep(0)
    assert len(world.queries) == queries


async def test_a_text_that_the_log_does_not_give_yet_delays_nothing_about_the_program(world: World) -> None:
    channel = world.attach(MemoryChannel())
    world.texts_readable = False
    world.open(1)
    await until(lambda: world.queries)
    world.dispatcher.on_events([LogChanged(LogState(storing=False, problems=("The disk is full.",)))])
    await until(lambda: channel.shown_tags == ["log"])
    world.texts_readable = True
    await until(lambda: channel.shown_tags == ["log", *tags(1)])


async def test_what_was_withdrawn_while_its_text_could_not_be_read_is_not_shown_later(world: World) -> None:
    channel = world.attach(MemoryChannel())
    world.texts_readable = False
    world.text_answer.clear()
    world.open(1)
    await until(lambda: world.text_queries)
    world.open(*range(2, BURST + 6))
    await until(lambda: len(world.queries) == 2)
    # the flood limit holds this change, so the notification for the first change is out of date
    world.change(1, Change.LEVEL, level=Level.INFO)
    await until(lambda: len(world.queries) == 3)
    world.text_answer.set()
    await until(lambda: channel.withdrawn_tags == tags(1))
    world.texts_readable = True
    await until(lambda: set(channel.shown_tags) >= set(tags(2, 3, 4, 5)))
    assert incident_tag(1) not in channel.shown_tags


@pytest.mark.parametrize("change", [Change.LEVEL, Change.RECOVERED])
async def test_a_bug_in_a_query_for_a_text_costs_no_notification(world: World, change: Change) -> None:
    channel = world.attach(MemoryChannel())
    world.open(1)
    await until(lambda: channel.shown_tags == tags(1))
    world.text_bug = RuntimeError("can't start new thread")
    over = {"closed_at": NOW, "closed_by": change} if change is Change.RECOVERED else {"level": Level.CRITICAL}
    world.change(1, change, **over)
    await until(lambda: world.text_queries > 3)
    world.text_bug = None
    await until(lambda: len(channel.requests) == 2)
    assert channel.requests[-1].tag == incident_tag(1)


async def test_a_summary_does_without_names_where_the_log_cannot_be_read(world: World) -> None:
    channel = world.attach(MemoryChannel(), available=False)
    world.open(1, 2, 3)
    await until(lambda: world.queries)
    world.texts_readable = False
    world.dispatcher.set_available(channel, True)
    await until(lambda: channel.shown)
    assert (channel.shown[0].title, channel.shown[0].lines) == ("3 more incidents, worst WARN", ("and 3 more",))


async def test_many_that_wait_for_the_log_are_one_warning(world: World, caplog: pytest.LogCaptureFixture) -> None:
    channel = world.attach(MemoryChannel())
    for number in range(1, 26):
        world.now += 6_000
        world.open(number)
        await until(lambda number=number: incident_tag(number) in channel.shown_tags)  # type: ignore[misc]
    world.texts_readable = False
    for number in range(1, 26):
        world.change(number, Change.RECOVERED, closed_at=NOW, closed_by=Change.RECOVERED)
    queries = world.text_queries
    await until(lambda: world.text_queries > queries + 100)
    world.texts_readable = True
    await until(lambda: sorted(channel.withdrawn_tags) == sorted(tags(*range(1, 26))))
    assert len([record for record in caplog.records if "does not keep up" in record.getMessage()]) == 1


async def test_what_was_answered_just_before_the_end_is_still_shown(world: World) -> None:
    channel = world.attach(MemoryChannel())
    world.open(1)
    await world.dispatcher.close()
    assert channel.shown_tags == tags(1)


async def test_what_closed_before_it_could_be_shown_is_not_shown(world: World) -> None:
    hanging = HangingChannel()
    world.attach(hanging)
    world.open(1, 2)
    await until(lambda: hanging.shown)
    assert world.log is not None
    one = stored(2)
    over = one.incident._replace(closed_at=NOW, closed_by=Change.EXPIRED)
    world.log[2] = StoredIncident(incident=over, alert=one.alert)
    hanging.released.set()
    world.open(3)
    await until(lambda: hanging.shown_tags == tags(1, 3))


async def test_a_change_during_a_query_is_queried_again(world: World) -> None:
    channel = world.attach(MemoryChannel())
    world.answer.clear()
    world.open(1)
    await until(lambda: world.queries)
    assert world.log is not None
    one = stored(1)
    world.log[1] = StoredIncident(
        incident=one.incident._replace(closed_at=NOW, closed_by=Change.RECOVERED), alert=one.alert
    )
    world.dispatcher.on_events([IncidentChanged(1, Change.RECOVERED)])
    world.answer.set()
    await until(lambda: channel.withdrawn_tags == tags(1))
    assert len(world.queries) == 2


async def test_a_bug_in_a_query_costs_no_notification(world: World, caplog: pytest.LogCaptureFixture) -> None:
    channel = world.attach(MemoryChannel())
    world.bug = ZeroDivisionError("a bug")
    world.open(1)
    await until(lambda: len(world.queries) > 1)
    world.bug = None
    await until(lambda: channel.shown_tags == tags(1))
    assert "a bug" in caplog.text


async def test_a_channel_that_hangs_delays_no_other_and_is_up_to_date_afterwards(world: World) -> None:
    hanging, other = HangingChannel(), world.attach(MemoryChannel())
    world.attach(hanging)
    world.open(1)
    await until(lambda: hanging.shown_tags == tags(1))
    for number in range(2, 61):
        world.now += 6_000  # one notification each is within the rate limit
        world.open(number)
        await until(lambda number=number: incident_tag(number) in other.shown_tags)  # type: ignore[misc]
    assert hanging.shown_tags == tags(1)

    hanging.released.set()
    world.now += SUMMARY_INTERVAL
    await until(lambda: SUMMARY_TAG in hanging.shown_tags)
    shown = set(hanging.shown_tags) - {SUMMARY_TAG}
    held = int(hanging.shown[-1].title.split()[0])
    assert len(shown) + held == 60


@pytest.mark.parametrize("error", [ValueError("a bug"), Fault("The mail server does not answer.")])
async def test_a_channel_that_fails_gets_the_next_request_and_delays_no_other(
    world: World, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    failing, other = world.attach(FailingChannel(error)), world.attach(MemoryChannel())
    world.open(1)
    await until(lambda: failing.shown_tags == other.shown_tags == tags(1))
    world.open(2)
    await until(lambda: failing.shown_tags == other.shown_tags == tags(1, 2))
    (record,) = caplog.records  # logged once, because both requests failed for the same reason
    assert (record.levelno, bool(record.exc_info)) == (logging.ERROR, not isinstance(error, Fault))
    assert str(error) in record.getMessage()


async def test_what_opens_while_a_channel_is_unavailable_becomes_one_summary(world: World) -> None:
    channel = world.attach(MemoryChannel(), available=False)
    world.open(1, 2, 3)
    await until(lambda: world.queries)
    world.dispatcher.set_available(channel, True)
    await until(lambda: channel.shown_tags == [SUMMARY_TAG])


async def test_a_flood_ends_in_a_summary_without_another_event(world: World) -> None:
    channel = world.attach(MemoryChannel())
    world.open(*range(1, BURST + 11))
    await until(lambda: channel.shown_tags[-1:] == [SUMMARY_TAG])
    assert channel.shown[-1].title.startswith("10 more incidents")


async def test_a_channel_that_comes_late_learns_the_present_state(world: World) -> None:
    closed = ListenerChanged("127.0.0.1", 8765, "The port is taken.")
    full = LogChanged(LogState(storing=False, problems=("The disk is full.",)))
    channel = world.attach(MemoryChannel(), full, closed)
    await until(lambda: channel.shown_tags == ["log", "door"])


async def test_being_blind_is_shown_when_its_time_has_come(world: World) -> None:
    channel = world.attach(MemoryChannel())
    blind = ReachabilityState(reach=Reachability.BLIND, since=NOW)
    world.dispatcher.on_events([ReachabilityChanged(blind)])
    world.now += PATIENCE
    await until(lambda: channel.shown_tags == ["reach"])


async def test_a_pause_holds_for_every_channel_even_for_a_later_one(world: World) -> None:
    early = world.attach(MemoryChannel())
    world.dispatcher.pause(NOW + 60_000)
    late = world.attach(MemoryChannel())
    world.open(1)
    world.dispatcher.on_events([CallbackRefused("too large", "it is too large.")])
    await until(lambda: world.queries)
    assert early.requests == late.requests == []
    world.now += 60_000
    await until(lambda: len(early.shown) == len(late.shown) == 2)


async def test_a_look_at_the_window_ends_what_is_held(world: World) -> None:
    channel = world.attach(MemoryChannel(), available=False)
    world.open(1)
    await until(lambda: world.queries)
    await asyncio.sleep(0)
    world.dispatcher.mark_seen()
    world.dispatcher.set_available(channel, True)
    world.open(2)
    await until(lambda: channel.shown_tags == tags(2))


async def test_each_kind_of_refusal_is_a_notification_of_its_own(world: World) -> None:
    channel = world.attach(MemoryChannel())
    world.dispatcher.on_events(
        [CallbackRefused("mistyped", "there is a slash."), CallbackRefused("too large", "it is too large.")]
    )
    await until(lambda: len(channel.shown) == 2)
    assert [(notification.title, notification.lines) for notification in channel.shown] == [
        ("A callback was refused", ("There is a slash.",)),
        ("A callback was refused", ("It is too large.",)),
    ]
    assert len({notification.tag for notification in channel.shown}) == 2


async def test_a_log_that_stores_nothing_is_shown_and_withdrawn(world: World) -> None:
    channel = world.attach(MemoryChannel())
    world.dispatcher.on_events([LogChanged(LogState(storing=False, problems=("The disk is full.",)))])
    await until(lambda: channel.shown_tags == ["log"])
    world.dispatcher.on_events([LogChanged(LogState())])
    await until(lambda: channel.withdrawn_tags == ["log"])
    assert channel.shown_tags == ["log"]


async def test_it_ends_although_a_channel_hangs(world: World) -> None:
    hanging = world.attach(HangingChannel())
    world.open(1)
    await until(lambda: hanging.shown)
    async with asyncio.timeout(5):
        await world.dispatcher.close()
    world.open(2)
    assert len(world.queries) == 1
