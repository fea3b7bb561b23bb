"""Panel and notification daemon start and end while the program runs, and may be absent when it starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.harness.application import Application, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.overheard import Overheard
from tests.desktop.harness.session import Desktop, Window, running_desktop

pytestmark = pytest.mark.desktop

NO_DAEMON = "No notification daemon: tray and window carry all alerts."


@pytest.fixture
def bare_desktop() -> Iterator[Desktop]:
    """Yield a screen with a window manager and without panel and notification daemon."""
    with running_desktop(panel=None, notifier=None) as running:
        yield running


@pytest.fixture
def no_notifier(desktop: Desktop) -> Iterator[None]:
    desktop.stop_notifier()
    yield
    if not desktop.owned("org.freedesktop.Notifications"):
        desktop.start_notifier("xfce4-notifyd")


def test_without_a_tray_window_and_overlay_show_and_the_overlay_is_the_way_back(
    bare_desktop: Desktop, tmp_path: Path
) -> None:
    running = Application(bare_desktop, tmp_path)
    try:
        running.post(threshold())
        bare_desktop.focus(running.window())
        assert [row[3] for row in running.rows()] == ["ECS CPU high"]
        bare_desktop.press("alt+F4")
        wait_until(lambda: not running.windows(), "the window is hidden")
        overlay = running.overlays()[0]
        bare_desktop.click(overlay.x + overlay.width // 2, overlay.y + overlay.height // 2)
        bare_desktop.focus(running.window())
        bare_desktop.press("alt+F4")
        wait_until(lambda: not running.windows(), "the window is hidden again")
        bare_desktop.start_panel("xfce4-panel")

        def clicked() -> list[Window]:
            for icon in running.tray_icons():  # the icon moves while the panel arranges its items
                bare_desktop.click(icon.x + icon.width // 2, icon.y + icon.height // 2)
            return running.windows()

        wait_until(clicked, "the icon in the tray that came late shows the window")
        wait_until(lambda: not running.overlays(), "the strip goes, as the tray is there")
        assert running.end() == 0
        assert running.error_output().count("\n") == 1
        assert NO_DAEMON in running.error_output()
    finally:
        running.stop()


def test_without_a_daemon_the_tooltip_says_so_and_what_waited_comes_in_one_summary(
    desktop: Desktop, no_notifier: None, overheard: Overheard, tmp_path: Path
) -> None:
    running = Application(desktop, tmp_path)
    try:
        for number in range(3):
            running.post(threshold(f"i-{number}"))
        running.wait_for_tooltip("3 open, worst CRITICAL", NO_DAEMON)

        desktop.start_notifier("xfce4-notifyd")

        wait_until(lambda: overheard.notified, "a notification")
        desktop.notification()
        assert overheard.titles() == ["3 more incidents, worst CRITICAL"]
        wait_until(lambda: NO_DAEMON not in running.tray.tooltip, "the tooltip is silent about it")
        desktop.stop_notifier()
        running.wait_for_tooltip(NO_DAEMON)
        desktop.start_notifier("xfce4-notifyd")
        wait_until(lambda: NO_DAEMON not in running.tray.tooltip, "the daemon is back")
        running.post(threshold("i-after", alertName="after"))
        wait_until(lambda: overheard.titles()[1:] == ["CRITICAL: after"], "the next alert notifies")
        desktop.notification()
        assert running.end() == 0
    finally:
        running.stop()


def test_the_item_is_back_in_a_panel_that_was_killed_and_started_again(tmp_path: Path) -> None:
    with running_desktop() as desktop:
        running = Application(desktop, tmp_path)
        try:
            running.post(threshold())
            running.wait_for_tooltip("1 open")
            desktop.stop_panel()
            running.post(threshold("i-another"))
            desktop.start_panel("xfce4-panel")
            running.wait_for_tooltip("2 open")
            assert running.windows() == [], "a panel that restarts is no reason to show the window"
            assert running.end() == 0
            assert running.error_output() == ""
        finally:
            running.stop()
