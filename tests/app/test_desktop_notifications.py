"""The way from events to notifications, with a log that does not always answer."""

from collections.abc import Sequence

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import FakeBackend, stored
from trayalert.app.desktop_notifications import DesktopNotifications
from trayalert.domain.events import CallbackRefused, IncidentChanged, LogChanged
from trayalert.domain.incident.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notification, incident_tag


class Screen:
    """A notifier that only writes down what it is to show."""

    available = True
    problem: str | None = None

    def __init__(self) -> None:
        self.shown: list[Notification] = []
        self.withdrawn: list[str] = []

    def show(self, notification: Notification) -> None:
        self.shown.append(notification)

    def withdraw(self, tag: str, _last: Notification | None = None) -> None:
        self.withdrawn.append(tag)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def notifications(
    qtbot: QtBot, backend: FakeBackend, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> DesktopNotifications:
    monkeypatch.setattr("trayalert.app.desktop_notifications._platform_notifier", lambda **_: screen)
    monkeypatch.setattr("trayalert.app.desktop_notifications._RETRY_MS", 20)
    made = DesktopNotifications(backend, show_window=lambda _number: None, refresh=lambda: None)
    made._notifier_changed()
    return made


def tags(shown: Sequence[Notification]) -> list[str]:
    return [notification.tag for notification in shown]


def test_what_the_log_does_not_answer_is_told_once_it_does(
    qtbot: QtBot, backend: FakeBackend, screen: Screen, notifications: DesktopNotifications
) -> None:
    backend.keep(stored(1), stored(2))
    backend.readable = False
    notifications.on_events([IncidentChanged(1, Change.OPENED)])
    notifications.on_events([IncidentChanged(2, Change.OPENED)])
    qtbot.waitUntil(lambda: len(backend.queried_ids) > 3)
    assert screen.shown == []

    backend.readable = True
    qtbot.waitUntil(lambda: sorted(tags(screen.shown)) == [incident_tag(1), incident_tag(2)])
    queries = len(backend.queried_ids)
    notifications.on_events([])
    assert len(backend.queried_ids) == queries


def test_a_notice_has_a_button_for_the_second_page_and_each_opens_its_own(
    backend: FakeBackend, screen: Screen, notifications: DesktopNotifications
) -> None:
    backend.keep(stored(1, resource_id="i-1"), stored(2, resource_id=None))
    notifications.on_events([IncidentChanged(1, Change.OPENED), IncidentChanged(2, Change.OPENED)])
    assert {notification.tag: notification.more_buttons for notification in screen.shown} == {
        incident_tag(1): (("chart", "Metric chart"),),
        incident_tag(2): (),
    }
    for page in ("", "chart", "gone"):
        notifications._clicked(incident_tag(1), page)
    best, chart = (link.url for link in backend.console_links(backend.kept[1]))
    assert backend.opened_urls == [best, chart, best]


def test_a_log_that_stores_nothing_is_told_and_taken_back(screen: Screen, notifications: DesktopNotifications) -> None:
    notifications.on_events([LogChanged(LogState(storing=False, problems=("The disk is full.",)))])
    notifications.on_events([LogChanged(LogState())])
    assert (tags(screen.shown), screen.withdrawn) == (["log"], ["log"])


def test_mistakes_in_the_settings_are_told_where_nobody_reads_the_terminal(
    screen: Screen, notifications: DesktopNotifications
) -> None:
    notifications.notify_settings(())
    notifications.notify_settings(("/x/settings.toml: it is not TOML.",))
    notifications.notify_settings(("one", "two", "three", "four"))
    one, four = screen.shown
    assert (one.title, one.lines) == ("The settings have a mistake", ("/x/settings.toml: it is not TOML.",))
    assert (four.title, len(four.lines)) == ("The settings have 4 mistakes", 3)


def test_each_kind_of_refusal_is_a_notification_of_its_own(screen: Screen, notifications: DesktopNotifications) -> None:
    notifications.on_events(
        [CallbackRefused("mistyped", "there is a slash."), CallbackRefused("too large", "it is too large.")]
    )

    assert [(notification.title, notification.lines) for notification in screen.shown] == [
        ("A callback was refused", ("There is a slash.",)),
        ("A callback was refused", ("It is too large.",)),
    ]
    assert len({notification.tag for notification in screen.shown}) == 2
