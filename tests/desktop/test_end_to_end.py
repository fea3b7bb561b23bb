"""The main task, from Cloud Monitor's POST to the page in the browser, on a real desktop with the real program."""

from pathlib import Path

import pytest

from tests.desktop.harness.application import ECS_LINK, Application, Browser, finish_setup, recovery, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.overheard import Overheard
from tests.desktop.harness.session import Desktop
from tests.storage.making import append, store

pytestmark = pytest.mark.desktop

WEB = "i-bp1example00000010aa"
CRITICAL, WARN = "CRITICAL: ECS CPU high", "WARN: ECS CPU high"


def notified(overheard: Overheard, *titles: str) -> None:
    """Wait for the notifications with these titles. Check that they arrive in this order, and no others."""
    wait_until(lambda: len(overheard.notified) >= len(titles), f"the notifications {titles}")
    assert overheard.titles() == list(titles)


def test_a_callback_changes_the_tray_and_its_notification_leads_to_the_console(
    application: Application, overheard: Overheard, browser: Browser
) -> None:
    application.wait_for_tooltip("No incident is open", "No callback has ever arrived", "Reach unknown")
    idle_picture = application.tray.picture

    assert application.post(threshold(WEB)) == 200

    application.wait_for_tooltip("1 open, worst CRITICAL", "Last callback less than a minute ago", "Reach unknown")
    assert application.tray.picture != idle_picture
    notified(overheard, CRITICAL)
    (call,) = overheard.notified
    assert call.urgency == 2
    name, address, reading, since = call.body.split("\n")
    assert (name, address, reading) == (f"web-01 ({WEB})", "10.0.0.14", "CPUUtilization: 97.4 % (Average ≥ 95 %)")
    assert since.startswith("cn-hangzhou, since ")
    application.desktop.click_notification_button()
    wait_until(lambda: browser.opened, "the browser is started")
    assert browser.opened == [ECS_LINK.format(WEB)]


def test_the_notifications_second_button_leads_to_the_metric_chart(application: Application, browser: Browser) -> None:
    application.post(threshold(WEB))
    application.desktop.notification()

    application.desktop.click_notification_button(from_right=1)

    wait_until(lambda: browser.opened, "the browser is started")
    (opened,) = browser.opened
    assert opened == (
        "https://cloudmonitor.console.aliyun.com/productMonitorChart"
        f"?category=ecs&dimension=instanceId%3A{WEB}&region=cn-hangzhou"
    )


def test_an_ok_puts_recovered_in_the_notifications_place_and_then_takes_it_away(
    application: Application, overheard: Overheard
) -> None:
    idle_picture = application.tray.picture
    application.post(threshold())
    application.desktop.notification()

    application.post(recovery())

    notified(overheard, CRITICAL, "Recovered: ECS CPU high")
    assert overheard.notified[1].replaces
    application.wait_for_tooltip("No incident is open")
    assert application.tray.picture == idle_picture
    assert len(application.desktop.notifications()) == 1
    wait_until(lambda: not application.desktop.notifications(), "the notification goes by itself")


def test_another_level_is_notified_in_the_same_window_and_repeats_and_retries_are_not(
    application: Application, overheard: Overheard
) -> None:
    warning = threshold(triggerLevel="WARN")
    application.post(warning)
    application.wait_for_tooltip("1 open, worst WARN")
    notified(overheard, WARN)
    application.desktop.notification()

    for _retry in range(2):
        assert application.post(warning) == 200
    # Cloud Monitor sends the alert again after the rule's mute period
    assert application.post(threshold(triggerLevel="WARN")) == 200
    application.post(threshold(preTriggerLevel="WARN"))
    application.wait_for_tooltip("1 open, worst CRITICAL")
    notified(overheard, WARN, CRITICAL)
    application.post(threshold("i-another", alertName="another"))

    notified(overheard, WARN, CRITICAL, "CRITICAL: another")
    assert [bool(call.replaces) for call in overheard.notified] == [False, True, False]
    wait_until(lambda: len(application.desktop.notifications()) == 2, "a window per incident")
    assert [incident["alerts"] for incident in application.incidents()] == [1, 3]


def test_the_consoles_test_button_is_answered_with_a_notification(
    application: Application, overheard: Overheard
) -> None:
    assert application.post(b"", method="GET") == 200

    notified(overheard, "Test callback received")
    application.desktop.notification()
    application.wait_for_tooltip("No incident is open", "Last callback less than a minute ago")
    assert application.incidents() == []


def test_with_no_browser_named_xdg_open_gets_the_link(desktop: Desktop, tmp_path: Path, overheard: Overheard) -> None:
    xdg_open = Browser(tmp_path / "bin", "xdg-open")
    running = Application(desktop, tmp_path, env={"PATH": f"{xdg_open.program.parent}:{desktop.env['PATH']}"})
    try:
        running.post(threshold(WEB))
        notified(overheard, CRITICAL)
        desktop.click_notification_button()
        wait_until(lambda: xdg_open.opened, "xdg-open is started")
        assert xdg_open.opened == [ECS_LINK.format(WEB)]
        assert running.end() == 0
    finally:
        running.stop()


def test_an_incident_that_fires_at_the_start_has_its_whole_name_in_the_menu(desktop: Desktop, tmp_path: Path) -> None:
    finish_setup(tmp_path / "data")
    store(tmp_path / "data" / "trayalert.db", append("i-1", alertName="A_b & c"))
    running = Application(desktop, tmp_path)
    try:
        running.wait_for_tooltip("1 open")
        assert [entry.words for entry in running.tray.menu if "A_b & c" in entry.words]
        assert running.end() == 0
    finally:
        running.stop()
        wait_until(lambda: not desktop.notifications(), "no notification is left")


def test_the_menu_names_what_fires_and_leads_to_it(application: Application, browser: Browser) -> None:
    application.post(threshold(WEB, alertName="A_b & c"))
    application.wait_for_tooltip("1 open")
    words = [entry.words for entry in application.tray.menu]

    (critical,) = [line for line in words if line.startswith("CRITICAL")]

    assert "A_b & c · web-01 · since" in critical
    assert {"1 open, worst CRITICAL", "Open trayalert", "Copy callback URL", "Set up reach…", "Quit"} <= set(words)
    assert any(line.startswith("Reach unknown: No public address is known") for line in words)
    application.tray.choose(critical)
    wait_until(lambda: browser.opened, "the browser is started")
    assert browser.opened == [ECS_LINK.format(WEB)]
    application.tray.choose("Copy callback URL")
    wait_until(lambda: application.desktop.clipboard() == application.url, "the URL is in the clipboard")
