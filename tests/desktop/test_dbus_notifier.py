"""The notifier with a daemon that fails in every known way, on a private bus and on Qt's event loop."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.conftest import OnQt
from tests.desktop.harness.desktop_programs import until
from tests.desktop.harness.session_bus import SessionBus
from tests.desktop.harness.stand_in import CAPABILITIES, Notified, StandIn, command
from trayalert.domain.incident.level import Level
from trayalert.domain.notification import Notification
from trayalert.ui.notifications import dbus
from trayalert.ui.notifications.dbus import DbusNotifier
from trayalert.ui.notifications.dbus_message import Daemon, button_key, notify_arguments

pytestmark = pytest.mark.desktop

StandInStarter = Callable[..., StandIn]


@pytest.fixture
def start_stand_in(bus: SessionBus, tmp_path: Path) -> Iterator[StandInStarter]:
    started: list[StandIn] = []

    def start(**how: Any) -> StandIn:
        started.append(StandIn({"DBUS_SESSION_BUS_ADDRESS": bus.address}, tmp_path / "stand-in", **how))
        return started[-1]

    yield start
    for one in started:
        one.stop()


class Watched:
    """A notifier, with a record of its clicks and its changes of state."""

    def __init__(self, address: str, *, reply_timeout: float = 0.3, retry_delay: float = 60.0) -> None:
        self.clicked: list[str] = []
        self.states: list[tuple[bool, str | None]] = []
        self.notifier = DbusNotifier(
            on_click=lambda tag, _key: self.clicked.append(tag),
            on_change=lambda: self.states.append((self.notifier.available, self.notifier.problem)),
            address=address,
            reply_timeout=reply_timeout,
            retry_delay=retry_delay,
            refusal_delay=0.05,
        )


@contextlib.asynccontextmanager
async def watched(address: str, **how: float) -> AsyncIterator[Watched]:
    running = Watched(address, **how)
    await running.notifier.start()
    try:
        yield running
    finally:
        await running.notifier.stop()


def make_notification(
    tag: str = "incident-1", title: str = "WARN: cpu", level: Level = Level.WARN, **more: Any
) -> Notification:
    return Notification(tag=tag, title=title, level=level, **more)


async def shown(stand_in: StandIn, count: int) -> list[Notified]:
    await until(lambda: len(stand_in.shown) >= count, f"{count} notifications")
    return stand_in.shown


def test_a_notification_comes_with_urgency_picture_and_actions(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            assert w.states == [(True, None)]
            w.notifier.show(make_notification(level=Level.CRITICAL, lines=("web-01", "97 %"), button="Open in console"))
            (call,) = await shown(stand_in, 1)
        assert (call.app, call.title, call.body) == ("trayalert", "WARN: cpu", "web-01\n97 %")
        assert call.hints == {"urgency": 2, "desktop-entry": "trayalert"}
        assert call.actions == ["default", "Open in console", "open", "Open in console"]
        assert call.image == [48, 48, 192, True, 8, 4, 48 * 48 * 4]
        assert (call.replaces, call.lasts) == (0, -1)

    on_qt(scenario())


@pytest.mark.parametrize(
    ("notification", "urgency"),
    [
        (make_notification(level=Level.CRITICAL), 2),
        (make_notification(level=Level.WARN), 1),
        (make_notification(level=Level.INFO), 0),
        (make_notification(level=Level.OK), 0),
        (make_notification(level=Level.INFO, awaited=True), 1),
    ],
)
def test_the_level_is_the_urgency(notification: Notification, urgency: int) -> None:
    assert notify_arguments(notification, Daemon(), replaces=0)[6]["urgency"].value == urgency


@pytest.mark.parametrize(
    ("daemon", "actions"),
    [
        (Daemon("gnome-shell", frozenset({"actions"})), ["default", "open", "further-chart"]),
        (Daemon("Xfce Notify Daemon", frozenset({"actions"})), ["further-chart", "default"]),
        (Daemon("gnome-shell"), []),
    ],
)
def test_a_further_button_is_one_more_where_the_daemon_takes_any(daemon: Daemon, actions: list[str]) -> None:
    notification = make_notification(more_buttons=(("chart", "Metric\nchart"),))
    found = notify_arguments(notification, daemon, replaces=0)[5]
    assert found[::2] == actions
    assert set(found[1::2]) <= {"Open", "Metric chart"}
    assert [button_key(action) for action in actions if action.startswith("further")] == ["chart"] * bool(actions)
    assert button_key("default") == button_key("open") == ""


def test_a_daemon_that_draws_the_default_action_gets_no_second_button(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in(server="Xfce Notify Daemon")
        async with watched(bus.address) as w:
            w.notifier.show(make_notification())
            (call,) = await shown(stand_in, 1)
        assert call.actions == ["default", "Open"]

    on_qt(scenario())


HOSTILE = "a&b <b>x</b> <img src='file:///etc/passwd'> \x00\x1b[31m\u202e\ud800\r\nRecovered"


@pytest.mark.parametrize(
    ("capabilities", "body"),
    [
        (CAPABILITIES, "a&amp;b &lt;b&gt;x&lt;/b&gt; &lt;img src='file:///etc/passwd'&gt; [31m Recovered"),
        (("actions", "body"), "a&b <b>x</b> <img src='file:///etc/passwd'> [31m Recovered"),
    ],
)
def test_text_of_the_network_is_plain_whatever_the_daemon_reads(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt, capabilities: tuple[str, ...], body: str
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in(capabilities=capabilities)
        async with watched(bus.address) as w:
            w.notifier.show(make_notification(title=HOSTILE, lines=(HOSTILE,)))
            (call,) = await shown(stand_in, 1)
        assert call.body == body
        assert call.title == "a&b <b>x</b> <img src='file:///etc/passwd'> [31m Recovered"

    on_qt(scenario())


def test_one_notification_per_tag_is_replaced_as_it_changes(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a"))
            w.notifier.show(make_notification("b"))
            await shown(stand_in, 2)
            w.notifier.show(make_notification("a", "CRITICAL: cpu", Level.CRITICAL))
            calls = await shown(stand_in, 3)
        assert (calls[2].replaces, calls[2].id) == (calls[0].id, calls[0].id)

    on_qt(scenario())


def test_what_the_person_closed_comes_anew_and_a_quiet_change_does_not_bring_it_back(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a"))
            (first,) = await shown(stand_in, 1)
            stand_in.send(f"close {first.id} 2")
            await until(lambda: "a" not in w.notifier._shown, "the closing is heard")
            w.notifier.show(make_notification("a", "quiet", update_only=True))
            w.notifier.show(make_notification("b"))
            await shown(stand_in, 2)
            w.notifier.show(make_notification("a", "anew"))
            calls = await shown(stand_in, 3)
        assert [one.title for one in calls[1:]] == ["WARN: cpu", "anew"]
        assert calls[2].replaces == 0

    on_qt(scenario())


def test_an_action_comes_back_with_its_tag(bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a"))
            w.notifier.show(make_notification("b"))
            calls = await shown(stand_in, 2)
            await until(lambda: len(w.notifier._shown) == 2, "both answers")
            stand_in.send(f"action {calls[1].id} default")
            stand_in.send("action 99 default")
            stand_in.send(f"action {calls[0].id} open")
            await until(lambda: w.clicked == ["b", "a"], "both actions, and not that of another program")

    on_qt(scenario())


def test_a_final_notification_takes_the_place_and_is_closed_by_us(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a"))
            await shown(stand_in, 1)
            w.notifier.withdraw("a", make_notification("a", "Recovered: cpu", Level.OK, timeout=200))
            calls = await shown(stand_in, 2)
            assert (calls[1].replaces, calls[1].lasts) == (calls[0].id, 200)
            assert calls[1].hints["urgency"] == 0
            await until(lambda: stand_in.closed == [calls[0].id], "the farewell is closed")

    on_qt(scenario())


def test_a_new_notification_outlives_the_final_notification_before_it(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.withdraw("a", make_notification("a", "Recovered", Level.OK, timeout=100))
            w.notifier.withdraw("b", make_notification("b", "Recovered", Level.OK, timeout=200))
            calls = await shown(stand_in, 2)
            w.notifier.show(make_notification("a"))
            await until(lambda: stand_in.closed, "the other farewell is closed")
            assert stand_in.closed == [calls[1].id]

    on_qt(scenario())


def test_quitting_takes_all_of_ours_away(bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a"))
            w.notifier.show(make_notification("b", level=Level.CRITICAL))
            calls = await shown(stand_in, 2)
        await until(lambda: stand_in.closed == [one.id for one in calls], "both are closed")

    on_qt(scenario())


def test_quitting_takes_away_what_a_busy_daemon_is_just_showing(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        stand_in.send("mute")
        async with watched(bus.address, reply_timeout=5.0) as w:
            w.notifier.show(make_notification("a"))
            (call,) = await shown(stand_in, 1)
            asyncio.get_running_loop().call_later(1.0, stand_in.send, "answer")
        await until(lambda: stand_in.closed == [call.id], "it is closed")

    on_qt(scenario())


def test_a_hanging_daemon_does_not_hold_up_quitting(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a"))
            await shown(stand_in, 1)
            stand_in.freeze()
            w.notifier.show(make_notification("b"))
            await until(lambda: w.notifier.problem == dbus.HANGS, "the hanging is said")
            started = time.monotonic()
        assert time.monotonic() - started < 1.5
        stand_in.thaw()

    on_qt(scenario())


def test_no_daemon_at_the_start_is_said_and_one_that_comes_gets_what_waited(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with watched(bus.address) as w:
            assert w.states == [(False, dbus.NO_DAEMON)]
            for number in range(100):
                w.notifier.show(make_notification("a", f"number {number}"))
            stand_in = start_stand_in()
            (call,) = await shown(stand_in, 1)
            assert call.title == "number 99"
            assert w.states[1:] == [(True, None)]
        assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [dbus.NO_DAEMON]

    on_qt(scenario())


def test_a_daemon_that_dies_voids_its_numbers_and_the_next_one_is_used(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        first = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a"))
            await shown(first, 1)
            first.die()
            await until(lambda: not w.notifier.available, "its death is heard")
            second = start_stand_in()
            await until(lambda: w.notifier.available, "the next one is heard")
            w.notifier.show(make_notification("a", "anew"))
            (call,) = await shown(second, 1)
            assert (call.title, call.replaces) == ("anew", 0)

    on_qt(scenario())


def test_a_daemon_that_dies_over_a_notification_does_not_lose_it(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        first = start_stand_in()
        first.send("mute")
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a", "kept"))
            await shown(first, 1)
            first.die()
            second = start_stand_in()
            (call,) = await shown(second, 1)
            assert call.title == "kept"

    on_qt(scenario())


def test_a_hanging_daemon_blocks_nobody_and_gets_only_the_newest_when_it_wakes(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        async with watched(bus.address) as w:
            w.notifier.show(make_notification("a"))
            await shown(stand_in, 1)
            stand_in.freeze()
            started = time.monotonic()
            for number in range(1_000):
                w.notifier.show(make_notification("a", f"a {number}"))
                w.notifier.show(make_notification(f"other {number}", level=Level.INFO))
                w.notifier.show(make_notification("b", f"b {number}", Level.CRITICAL))
            assert time.monotonic() - started < 0.5
            await until(lambda: w.notifier.problem == dbus.HANGS, "the hanging is said")
            w.notifier.show(make_notification("a", "a last"))
            w.notifier.withdraw("b")
            w.notifier.show(make_notification("b", "b last", Level.CRITICAL))
            stand_in.thaw()
            await until(lambda: {"a last", "b last"} <= {one.title for one in stand_in.shown}, "the newest of both")
            await until(lambda: w.notifier.available, "it is said to work again")
            assert len(stand_in.shown) < 60
            # the call that was in progress while the daemon hung, then only the newest
            assert len([one for one in stand_in.shown if one.title.startswith("a ")]) == 2
        messages = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
        assert messages == [dbus.HANGS]

    on_qt(scenario())


def test_a_notify_that_is_never_answered_is_given_up_and_tried_again(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        stand_in.send("mute")
        async with watched(bus.address, reply_timeout=0.1, retry_delay=0.3) as w:
            w.notifier.show(make_notification("a"))
            calls = await shown(stand_in, 2)
            assert not w.notifier.available
            stand_in.send("answer")
            await until(lambda: w.notifier.available, "it is said to work again")
            await until(lambda: calls[0].id in stand_in.closed, "what came late is taken away")
            assert "a" in w.notifier._shown

    on_qt(scenario())


def test_a_refused_burst_is_tried_again_then_dropped_and_reported_once(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        stand_in = start_stand_in()
        stand_in.send("reject")
        async with watched(bus.address) as w:
            for tag in ("a", "b"):
                w.notifier.show(make_notification(tag))
            await shown(stand_in, 6)
            await until(lambda: w.states[-1] == (True, dbus.REFUSES), "the refusal is said")
            stand_in.send("answer")
            w.notifier.show(make_notification("c", "taken"))
            await until(lambda: w.states[-1] == (True, None), "all is well again")
            assert stand_in.shown[-1].title == "taken"
        messages = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
        assert messages == [dbus.REFUSES]

    on_qt(scenario())


def test_a_daemon_that_the_bus_can_start_counts_as_there_and_is_started_by_the_first_notification(
    bus: SessionBus, tmp_path: Path, on_qt: OnQt
) -> None:
    log = tmp_path / "started.jsonl"
    script = tmp_path / "start"
    script.write_text(f"#!/bin/sh\nexec {' '.join(command())} >{log} 2>&1\n")
    script.chmod(0o755)
    bus.offer_notifier(str(script))
    bus.restart()

    async def scenario() -> None:
        async with watched(bus.address, reply_timeout=5) as w:
            assert w.notifier.available
            assert not log.exists()
            w.notifier.show(make_notification("a"))
            await until(lambda: log.exists() and "Notify" in log.read_text(), "it was started and told")
            assert w.notifier.available

    on_qt(scenario())


def test_a_daemon_that_cannot_be_started_is_as_good_as_none(bus: SessionBus, on_qt: OnQt) -> None:
    bus.offer_notifier("/nonexistent/daemon")
    bus.restart()

    async def scenario() -> None:
        async with watched(bus.address, reply_timeout=5) as w:
            w.notifier.show(make_notification("a"))
            await until(lambda: w.states[-1] == (False, dbus.NO_DAEMON), "it is said")

    on_qt(scenario())


@pytest.mark.parametrize("address", ["unix:path=/nonexistent/bus", "autolaunch:", "nonsense", "unix:path=bad address"])
def test_without_a_session_bus_nothing_raises(on_qt: OnQt, address: str) -> None:
    async def scenario() -> None:
        async with watched(address) as w:
            assert w.states == [(False, dbus.NO_BUS)]
            w.notifier.show(make_notification("a"))
            w.notifier.withdraw("a")

    on_qt(scenario())


def test_an_environment_without_a_bus_is_no_bus(on_qt: OnQt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)

    async def scenario() -> None:
        async with watched("") as w:
            assert w.states == [(False, dbus.NO_BUS)]

    on_qt(scenario())


def test_a_bus_that_ends_and_comes_back_is_found_again(
    bus: SessionBus, start_stand_in: StandInStarter, on_qt: OnQt
) -> None:
    async def scenario() -> None:
        start_stand_in()
        async with watched(bus.address, retry_delay=0.2) as w:
            bus.restart()
            await until(lambda: (False, dbus.NO_BUS) in w.states, "the end of the bus is heard")
            w.notifier.show(make_notification("a", "kept"))
            stand_in = start_stand_in()
            (call,) = await shown(stand_in, 1)
            assert call.title == "kept"

    on_qt(scenario())


def test_stopping_what_was_never_started_is_fine(on_qt: OnQt) -> None:
    async def scenario() -> None:
        await Watched("nonsense").notifier.stop()
        await asyncio.sleep(0)

    on_qt(scenario())
