"""The notifier with daemons that users have: xfce4-notifyd, which draws buttons, and dunst, which takes clicks."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.conftest import OnQt
from tests.desktop.harness.desktop_programs import until
from tests.desktop.harness.session import Desktop, Window, running_desktop
from trayalert.domain.incident.level import Level
from trayalert.domain.notification import Notification
from trayalert.ui.notifications.dbus import DbusNotifier

pytestmark = pytest.mark.desktop


def make_notification(tag: str = "incident-1", level: Level = Level.CRITICAL, **more: Any) -> Notification:
    return Notification(
        tag=tag, level=level, **({"title": f"{level}: 内存使用率过高", "button": "Open in console"} | more)
    )


@asynccontextmanager
async def notifier_on(desktop: Desktop, clicked: list[str]) -> AsyncIterator[DbusNotifier]:
    notifier = DbusNotifier(
        on_click=lambda tag, key: clicked.append(f"{tag} {key}".strip()),
        on_change=lambda: None,
        address=desktop.bus_address,
    )
    await notifier.start()
    try:
        yield notifier
    finally:
        await notifier.stop()
        await until(lambda: not desktop.notifications(), "nothing is left on the screen")


async def windows(desktop: Desktop, count: int) -> list[Window]:
    await until(lambda: len(desktop.notifications()) == count, f"{count} windows")
    return desktop.notifications()


def test_xfce_shows_one_window_per_tag_and_replaces_it(desktop: Desktop, on_qt: OnQt) -> None:
    async def scenario() -> None:
        async with notifier_on(desktop, []) as notifier:
            notifier.show(make_notification("a", Level.WARN, lines=("web-01",)))
            (before,) = await windows(desktop, 1)
            notifier.show(make_notification("b"))
            await windows(desktop, 2)
            notifier.show(make_notification("a", lines=("web-01 (i-bp1)", "a line more", "and another")))
            await until(lambda: any(now.height > before.height for now in desktop.notifications()), "it has grown")
            assert len(desktop.notifications()) == 2
            notifier.withdraw("b")
            await windows(desktop, 1)

    on_qt(scenario())


def test_xfces_button_comes_back_with_the_tag(desktop: Desktop, on_qt: OnQt) -> None:
    async def scenario() -> None:
        clicked: list[str] = []
        async with notifier_on(desktop, clicked) as notifier:
            notifier.show(make_notification("a", lines=("web-01", "cn-hangzhou")))
            await windows(desktop, 1)
            desktop.click_notification_button()
            await until(lambda: clicked == ["a"], "the click is told")

    on_qt(scenario())


def test_xfces_second_button_comes_back_with_its_key(desktop: Desktop, on_qt: OnQt) -> None:
    async def scenario() -> None:
        clicked: list[str] = []
        async with notifier_on(desktop, clicked) as notifier:
            notifier.show(
                make_notification("a", lines=("web-01", "cn-hangzhou"), more_buttons=(("chart", "Metric chart"),))
            )
            await windows(desktop, 1)
            desktop.click_notification_button(from_right=1)
            await until(lambda: clicked == ["a chart"], "the click is told")

    on_qt(scenario())


def test_xfce_shows_the_final_notification_and_closes(desktop: Desktop, on_qt: OnQt) -> None:
    async def scenario() -> None:
        async with notifier_on(desktop, []) as notifier:
            notifier.show(make_notification("a"))
            await windows(desktop, 1)
            notifier.withdraw("a", make_notification("a", Level.OK, title="Recovered: x", timeout=500))
            await windows(desktop, 0)

    on_qt(scenario())


def test_a_click_on_dunst_takes_the_default_action(dunst_desktop: Desktop, on_qt: OnQt) -> None:
    async def scenario() -> None:
        clicked: list[str] = []
        async with notifier_on(dunst_desktop, clicked) as notifier:
            notifier.show(make_notification("a", lines=("web-01", "cn-hangzhou")))
            await windows(dunst_desktop, 1)
            dunst_desktop.click_notification()
            await until(lambda: clicked == ["a"], "the click is told")

    on_qt(scenario())


@contextmanager
def other_daemon(desktop: Desktop) -> Iterator[None]:
    desktop.stop_notifier()
    desktop.start_notifier("dunst")
    try:
        yield
    finally:
        desktop.stop_notifier()
        desktop.start_notifier("xfce4-notifyd")


def test_another_daemon_may_take_over_while_running(desktop: Desktop, on_qt: OnQt) -> None:
    async def scenario() -> None:
        async with notifier_on(desktop, []) as notifier:
            notifier.show(make_notification("a"))
            await windows(desktop, 1)
            with other_daemon(desktop):
                await until(lambda: notifier.available, "the new daemon is heard")
                notifier.show(make_notification("a"))
                await windows(desktop, 1)
            await until(lambda: notifier.available, "the old kind is back")

    on_qt(scenario())


def test_a_desktop_leaves_nothing_behind(tmp_path: Path) -> None:
    with running_desktop(panel=None) as running:
        pids = [program.process.pid for program in running._programs]
        root = running.root
        assert running.shot(tmp_path / "screen.png").stat().st_size > 0
    assert not root.exists()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
