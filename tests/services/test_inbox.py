"""The inbox with a real log: a callback is parsed, stored, and only then announced."""

import asyncio
import json
import sqlite3
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.storage.making import NOON, append, callback, locked, raw_callback, reading, rows, store, until, writing
from trayalert.callbacks import kinds
from trayalert.callbacks.kind_spec import KindSpec
from trayalert.domain import events
from trayalert.domain.callback import Callback
from trayalert.domain.events import CallbackArrived, Event, IncidentChanged
from trayalert.domain.incident.alert import Alert, Kind
from trayalert.domain.incident.incident import UNRECOGNISED_SPAN, Change
from trayalert.listener.refusals import RefusedError
from trayalert.services.inbox import Inbox, InboxLimits, resolve_offline
from trayalert.storage.faults import LogFault, NotStored
from trayalert.storage.recovery.integrity_check import check_log
from trayalert.storage.writer.appender import Append, CallbackParser


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


@asynccontextmanager
async def open_inbox(path: Path, **options: Any) -> AsyncIterator[Inbox]:
    inbox = Inbox(path, **options)
    try:
        yield inbox
    finally:
        await inbox.close()


def collect_events(inbox: Inbox) -> list[Event]:
    received: list[Event] = []
    inbox.subscribe(received.extend)
    return received


async def test_what_was_received_is_on_disk(path: Path) -> None:
    async with open_inbox(path) as inbox:
        assert await inbox.receive(callback("i-1"))

        assert rows(path, "SELECT resource_id FROM alert") == [("i-1",)]


async def test_it_is_announced_when_it_is_on_disk(path: Path) -> None:
    counts: list[int] = []
    async with open_inbox(path) as inbox:
        inbox.subscribe(lambda _: counts.extend(rows(path, "SELECT count(*) FROM alert")[0]))
        received = collect_events(inbox)
        await inbox.receive(callback("i-1"))
        await until(lambda: received)

    assert received == [CallbackArrived(NOON), IncidentChanged(1, Change.OPENED)]
    assert counts == [1]


async def test_a_test_is_announced_as_one(path: Path) -> None:
    async with open_inbox(path) as inbox:
        received = collect_events(inbox)
        await inbox.receive(raw_callback(b""))
        await until(lambda: received)

    assert received == [CallbackArrived(NOON), events.TestReceived(NOON)]


async def test_it_is_announced_though_the_sender_has_gone(path: Path) -> None:
    async with open_inbox(path) as inbox:
        received = collect_events(inbox)
        with locked(path):
            request = asyncio.create_task(inbox.receive(callback("i-1")))
            await asyncio.sleep(0)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            assert received == []
        await until(lambda: received)

    assert IncidentChanged(1, Change.OPENED) in received


async def test_a_subscriber_that_fails_costs_the_others_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Sequence[Event]) -> None:
        raise ZeroDivisionError

    async with open_inbox(path) as inbox:
        inbox.subscribe(fail)
        received = collect_events(inbox)
        assert await inbox.receive(callback("i-1"))
        assert await inbox.receive(callback("i-2"))
        await until(lambda: len(received) == 4)

    assert "a subscriber failed" in caplog.text


def fail(_: object) -> NoReturn:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "read",
    [partial(kinds.read_callback, kinds=(KindSpec(kind=Kind("broken"), read=fail),)), fail],
    ids=["of one kind", "of all kinds"],
)
async def test_a_bug_in_a_parser_costs_no_alert(
    path: Path, read: CallbackParser, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_inbox(path, read=read) as inbox:
        assert await inbox.receive(one := callback("i-1"))

    with reading(path) as reader:
        (stored,) = reader.alerts(limit=9, raw=True)
    assert (stored.alert.kind, stored.raw) == ("unrecognised", one.body)
    assert "ZeroDivisionError" in caplog.text


async def test_what_could_not_be_stored_in_time_must_come_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_inbox(path, limits=InboxLimits(deadline=0.05)) as inbox:
        with locked(path):
            assert not await inbox.receive(callback("i-1"))
        assert await inbox.receive(callback("i-1"))

    # the first callback was stored after all, so the second callback was a retry
    assert rows(path, "SELECT deliveries FROM alert") == [(2,)]
    assert [record.exc_info for record in caplog.records] == [None]
    assert "a callback was refused: the disk took longer than 0.05 s" in caplog.text


async def test_nothing_is_received_after_closing(path: Path) -> None:
    async with open_inbox(path) as inbox:
        await inbox.close()

        assert not await inbox.receive(callback("i-1"))


async def test_resolving_tells_whether_it_burned(path: Path) -> None:
    async with open_inbox(path) as inbox:
        received = collect_events(inbox)
        await inbox.receive(callback("i-1"))

        assert await inbox.resolve(1, now=NOON + 5)
        assert not await inbox.resolve(1, now=NOON + 6)
        assert not await inbox.resolve(2, now=NOON + 6)
        with pytest.raises(NotStored):
            await inbox.resolve(2**63, now=NOON)

    assert received[-1] == IncidentChanged(1, Change.RESOLVED)


async def test_incidents_whose_time_is_over_are_closed_and_announced(path: Path) -> None:
    async with open_inbox(path) as inbox:
        received = collect_events(inbox)
        await inbox.receive(raw_callback(b"?"))
        await inbox.expire(now=NOON + UNRECOGNISED_SPAN)
        await until(lambda: len(received) == 3)

    assert received[-1] == IncidentChanged(1, Change.EXPIRED)


def test_an_incident_can_be_resolved_with_no_program_running(path: Path) -> None:
    with writing(path) as log:
        log.commit([])
    with pytest.raises(LogFault):
        resolve_offline(path.parent / "no" / "folder", 1, now=NOON)
    assert not resolve_offline(path, 1, now=NOON)


def test_resolving_alone_says_so_where_the_log_is_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(path, append())
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **named: connect(*args, **named | {"timeout": 0.01}))
    with locked(path), pytest.raises(LogFault, match="locked"):
        resolve_offline(path, 1, now=NOON)

    assert resolve_offline(path, 1, now=NOON)
    assert rows(path, "SELECT closed_by FROM incident") == [("resolved",)]


def large_callback(number: int = 1) -> Callback:
    """Return a callback of Alertmanager with 200 alerts and more than 64 KiB."""
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": "P", "pod": f"p{number}-{entry}"},
            "annotations": {"description": "x" * 400},
            "startsAt": "2026-11-29T22:50:00Z",
            "fingerprint": f"{number}-{entry}",
        }
        for entry in range(200)
    ]
    return raw_callback(json.dumps({"status": "firing", "groupLabels": {}, "alerts": alerts}).encode())


async def test_a_large_callback_is_read_off_the_loop_and_all_its_alerts_are_stored(path: Path) -> None:
    threads: list[threading.Thread] = []

    def read_and_note(one: Callback) -> tuple[Alert, ...]:
        threads.append(threading.current_thread())
        return kinds.read_callback(one)

    async with open_inbox(path, read=read_and_note) as inbox:
        assert await inbox.receive(callback("i-1"))
        assert await inbox.receive(large_callback())

    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread()
    assert rows(path, "SELECT count(*) FROM alert WHERE kind = 'alertmanager'") == [(200,)]


async def test_large_callbacks_are_read_one_at_a_time(path: Path) -> None:
    active: list[int] = [0, 0]

    def read_slowly(one: Callback) -> tuple[Alert, ...]:
        active[0] += 1
        active[1] = max(active)
        time.sleep(0.02)  # long enough for another reading to start in the meantime
        active[0] -= 1
        return kinds.read_callback(one)

    async with open_inbox(path, read=read_slowly) as inbox:
        assert all(await asyncio.gather(*(inbox.receive(large_callback(number)) for number in range(5))))

    assert active == [0, 1]
    assert rows(path, "SELECT count(*) FROM alert") == [(1000,)]


async def test_a_large_callback_is_refused_unread_while_the_disk_hangs(path: Path) -> None:
    """The writer's queue has no limit in bytes for callbacks that still wait for the disk after their deadline."""
    seen: list[Callback] = []

    def read_and_note(one: Callback) -> tuple[Alert, ...]:
        seen.append(one)
        return kinds.read_callback(one)

    async with open_inbox(path, read=read_and_note, limits=InboxLimits(deadline=0.2)) as inbox:
        with locked(path):
            assert not await inbox.receive(large_callback(1))
            assert not inbox.log_state.storing
            assert not await inbox.receive(large_callback(2))
        assert seen == [large_callback(1)]
        await until(lambda: inbox.log_state.storing)
        assert await inbox.receive(large_callback(2))
        assert "2 callbacks were refused (503)" in inbox.log_state.news[-1]


async def test_memory_is_returned_to_the_system_once_a_second_after_the_last_large_callback(path: Path) -> None:
    """Whether glibc really returns memory differs from run to run, so only the call is observed."""
    trimmed_at: list[float] = []

    def record(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "ctypes.dlsym" and arguments[1] == "malloc_trim":
            trimmed_at.append(time.monotonic())

    sys.addaudithook(record)  # a hook cannot be removed again
    async with open_inbox(path) as inbox:
        assert await inbox.receive(large_callback(1))
        received_at = time.monotonic()
        assert await inbox.receive(large_callback(2))
        await until(lambda: trimmed_at)

    assert len(trimmed_at) == 1
    assert trimmed_at[0] - received_at >= 1


async def test_a_small_callback_does_not_wait_for_all_alerts_of_a_large_one(path: Path) -> None:
    async with open_inbox(path, limits=InboxLimits(batch_size=1)) as inbox:
        received = collect_events(inbox)
        large = asyncio.create_task(inbox.receive(large_callback()))
        await until(lambda: received)
        assert await inbox.receive(callback("i-1"))
        assert not large.done()
        assert await large

    assert rows(path, "SELECT count(*) FROM delivery") == [(2,)]
    assert rows(path, "SELECT count(DISTINCT delivery_id), count(*) FROM alert WHERE kind = 'alertmanager'") == [
        (1, 200)
    ]
    assert sum(isinstance(event, CallbackArrived) for event in received) == 2
    assert check_log(path).problems == ()


async def test_a_large_callback_that_was_cut_off_is_completed_when_it_is_sent_again(path: Path) -> None:
    one = large_callback()
    # stored in part when the power failed, without an answer to the sender
    store(path, Append(one, kinds.read_callback(one)[:50]))
    async with open_inbox(path) as inbox:
        assert await inbox.receive(replace(one, received_at=NOON + 5000))

    counts = "SELECT deliveries, count(*) FROM alert GROUP BY deliveries ORDER BY deliveries"
    assert rows(path, counts) == [(1, 150), (2, 50)]


async def test_a_large_callback_is_stored_whole_in_another_file_that_takes_the_logs_place_meanwhile(
    path: Path,
) -> None:
    """The other file may contain a delivery with the same id."""
    other = path.with_name("other.db")
    store(other, append("i-1"), append("i-2"))
    async with open_inbox(path, limits=InboxLimits(batch_size=10)) as inbox:
        received = collect_events(inbox)
        large = asyncio.create_task(inbox.receive(large_callback()))
        await until(lambda: received)
        other.replace(path)
        assert await large

    assert rows(path, "SELECT count(*) FROM alert WHERE kind = 'alertmanager'") == [(200,)]
    with reading(path) as reader:
        assert len(reader.open_incidents()) == 202
    assert check_log(path).problems == ()


async def test_a_large_callback_that_waits_too_long_for_others_is_asked_to_come_again(path: Path) -> None:
    begun, released = threading.Event(), threading.Event()

    def read_when_released(one: Callback) -> tuple[Alert, ...]:
        begun.set()
        released.wait(10)
        return kinds.read_callback(one)

    async with open_inbox(path, read=read_when_released, limits=InboxLimits(deadline=0.05)) as inbox:
        first = asyncio.create_task(inbox.receive(large_callback(1)))
        await until(begun.is_set)
        with pytest.raises(RefusedError) as refused:
            await inbox.receive(large_callback(2))
        released.set()
        assert await first

    assert (refused.value.refusal.status, refused.value.refusal.retry_after) == (503, 1)
