"""The notifier for Windows and macOS, tested on Linux over D-Bus, which its library desktop-notifier supports, too."""

import asyncio
from pathlib import Path

import pytest

from tests.desktop.conftest import OnQt
from tests.desktop.harness.desktop_programs import until
from tests.desktop.harness.session_bus import SessionBus
from tests.desktop.harness.stand_in import StandIn
from trayalert.domain.incident.level import Level
from trayalert.domain.notification import Notification
from trayalert.ui.notifications.portable import FAILED, PortableNotifier

pytestmark = pytest.mark.desktop


async def hang_up(notifier: PortableNotifier) -> None:
    """Close the connection that desktop-notifier never closes on Linux."""
    connection = getattr(notifier._desktop._backend, "bus")  # noqa: B009  # only the Linux backend has this attribute
    connection.disconnect()
    await connection.wait_for_disconnect()


def test_it_shows_replaces_answers_clicks_and_takes_away(
    bus: SessionBus, tmp_path: Path, on_qt: OnQt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)

    async def scenario() -> None:
        stand_in = StandIn({"DBUS_SESSION_BUS_ADDRESS": bus.address}, tmp_path)
        clicked: list[str] = []
        notifier = PortableNotifier(on_click=lambda tag, _key: clicked.append(tag), on_change=lambda: None)
        await notifier.start()
        notifier.show(Notification(tag="a", level=Level.WARN, title="WARN: cpu", lines=("web-01", "90 %")))
        await until(lambda: len(stand_in.shown) == 1, "the first notice")
        first = stand_in.shown[0]
        assert (first.title, first.body, first.hints["urgency"]) == ("WARN: cpu", "web-01\n90 %", 1)
        notifier.show(Notification(tag="a", level=Level.CRITICAL, title="CRITICAL: cpu"))
        await until(lambda: len(stand_in.shown) == 2 and stand_in.closed == [first.id], "the second in its place")
        await until(lambda: notifier.available, "it says that it works")
        stand_in.send(f"action {stand_in.shown[1].id} default")
        await until(lambda: clicked == ["a"], "the click")
        notifier.withdraw("b", Notification(tag="b", level=Level.OK, title="Recovered: b", timeout=100))
        await until(lambda: len(stand_in.closed) == 2, "the farewell is taken away")
        notifier.show(Notification(tag="c", level=Level.WARN, title="WARN: c"))
        await until(lambda: len(stand_in.shown) == 4, "the last notice")
        await asyncio.sleep(0.05)
        await notifier.stop()
        await until(lambda: stand_in.shown[3].id in stand_in.closed, "quitting takes it away")
        await hang_up(notifier)
        stand_in.stop()

    on_qt(scenario())


def test_what_cannot_be_shown_is_said_and_raises_nothing(
    bus: SessionBus, on_qt: OnQt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)

    async def scenario() -> None:
        notifier = PortableNotifier(on_click=lambda _tag, _key: None, on_change=lambda: None)
        await notifier.start()
        notifier.show(Notification(tag="a", level=Level.WARN, title="WARN: cpu"))
        await until(lambda: notifier.problem == FAILED, "the failure is said")
        await notifier.stop()
        await hang_up(notifier)

    on_qt(scenario())
