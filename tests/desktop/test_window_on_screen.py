"""The window on a real desktop, used by keys and mouse as a user does."""

import time

import pytest
from PySide6.QtGui import QImage

from tests.desktop.harness.application import ECS_LINK, Application, Browser, recovery, threshold
from tests.desktop.harness.desktop_programs import wait_until
from tests.desktop.harness.session import Window

pytestmark = pytest.mark.desktop

WEB, DB = "i-bp1example00000010aa", "i-bp1example00000010bb"


def last_row(application: Application, window: Window) -> tuple[int, int]:
    """Return a point in the last row of the table: the first row above the empty part of the table."""
    picture = QImage(str(application.desktop.shot(application.data_dir / "shot.png")))
    x, bottom = window.x + window.width // 3, window.y + window.height - 60
    empty = picture.pixel(x, bottom)
    return x, next(y for y in range(bottom, window.y, -1) if picture.pixel(x, y) != empty) - 6


def test_posted_incidents_are_rows_and_enter_or_a_double_click_opens_their_page(
    application: Application, browser: Browser
) -> None:
    application.post(threshold(DB, alertName="磁盘使用率过高", instanceName="db-01/10.0.0.15", triggerLevel="WARN"))
    window = application.show_window()
    application.post(threshold(WEB))
    application.wait_for_tooltip("2 open")

    wait_until(lambda: len(application.rows()) == 2, "two rows")
    web, db = application.rows()
    assert web[0] == "CRITICAL"
    assert web[3:] == ["ECS CPU high", "web-01", "CPUUtilization", "97.4 %", "cn-hangzhou", "1"]
    assert (db[0], db[3], db[4]) == ("WARN", "磁盘使用率过高", "db-01")
    application.desktop.press("ctrl+Home", "Return")
    wait_until(lambda: browser.opened == [ECS_LINK.format(WEB)], "Enter opens the first row's page")
    application.desktop.double_click(*last_row(application, window))
    wait_until(lambda: browser.opened[1:] == [ECS_LINK.format(DB)], "a double click opens the last row's page")


def test_a_window_opened_empty_is_as_ready_for_the_keys_once_a_row_comes(
    application: Application, browser: Browser
) -> None:
    application.show_window()
    application.post(threshold(WEB))
    application.wait_for_tooltip("1 open")

    application.desktop.press("Return")

    wait_until(lambda: browser.opened == [ECS_LINK.format(WEB)], "Enter opens the row's page")


def test_mark_recovered_closes_the_incident_in_the_log(application: Application) -> None:
    application.post(threshold())
    application.show_window()
    wait_until(lambda: len(application.rows()) == 1, "a row")

    # the first press only shows the question whether to close the incident
    application.desktop.press("Tab", "Tab", "Tab", "space")
    pressed_at = time.monotonic()
    wait_until(lambda: time.monotonic() - pressed_at > 0.6, "a second press is not taken for a double click")
    application.desktop.press("space")

    application.wait_for_tooltip("No incident is open")
    (incident,) = application.incidents()
    assert (incident["state"], incident["closed_by"]) == ("closed", "resolved")
    wait_until(lambda: not application.desktop.notifications(), "its notification is taken away")


def test_a_row_turns_green_when_its_ok_comes(application: Application) -> None:
    application.post(threshold())
    application.show_window()
    application.post(recovery())

    wait_until(lambda: [row[0] for row in application.rows()] == ["recovered"], "the row says so")


def test_closing_the_window_hides_it_and_the_program_lives_on(application: Application) -> None:
    application.post(threshold())
    application.show_window()

    application.desktop.press("alt+F4")

    wait_until(lambda: not application.windows(), "the window is gone")
    assert application.running
    assert application.post(threshold(DB)) == 200
    application.wait_for_tooltip("2 open")
    application.tray.click()
    application.desktop.focus(application.window())
    wait_until(lambda: len(application.rows()) == 2, "what came meanwhile is there")
