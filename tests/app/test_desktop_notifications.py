"""The way from events to notifications, with a log that does not always answer."""

from collections.abc import Sequence

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import FakeDesk, stored
from trayalert.app.desktop_notifications import Notifying
from trayalert.domain.events import CallbackRefused, IncidentChanged, LogChanged
from trayalert.domain.incident.incident import Change
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import Notice, incident_tag


class Screen:
    """A notifier that only writes down what it is to show."""

    available = True
    problem: str | None = None

    def __init__(self) -> None:
        self.shown: list[Notice] = []
        self.withdrawn: list[str] = []

    def show(self, notice: Notice) -> None:
        self.shown.append(notice)

    def withdraw(self, tag: str, _farewell: Notice | None = None) -> None:
        self.withdrawn.append(tag)


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def notifying(qtbot: QtBot, desk: FakeDesk, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Notifying:
    monkeypatch.setattr("trayalert.app.desktop_notifications._platform_notifier", lambda **_: screen)
    monkeypatch.setattr("trayalert.app.desktop_notifications._AGAIN_MS", 20)
    made = Notifying(desk, show_window=lambda _number: None, refresh=lambda: None)
    made._notifier_changed()
    return made


def tags(notices: Sequence[Notice]) -> list[str]:
    return [notice.tag for notice in notices]


def test_what_the_log_does_not_answer_is_told_once_it_does(
    qtbot: QtBot, desk: FakeDesk, screen: Screen, notifying: Notifying
) -> None:
    desk.keep(stored(1), stored(2))
    desk.readable = False
    notifying.take([IncidentChanged(1, Change.OPENED)])
    notifying.take([IncidentChanged(2, Change.OPENED)])
    qtbot.waitUntil(lambda: len(desk.asked) > 3)
    assert screen.shown == []

    desk.readable = True
    qtbot.waitUntil(lambda: sorted(tags(screen.shown)) == [incident_tag(1), incident_tag(2)])
    asked = len(desk.asked)
    notifying.take([])
    assert len(desk.asked) == asked


def test_a_notice_has_a_button_for_the_second_page_and_each_opens_its_own(
    desk: FakeDesk, screen: Screen, notifying: Notifying
) -> None:
    desk.keep(stored(1, resource_id="i-1"), stored(2, resource_id=None))
    notifying.take([IncidentChanged(1, Change.OPENED), IncidentChanged(2, Change.OPENED)])
    assert {notice.tag: notice.further for notice in screen.shown} == {
        incident_tag(1): (("chart", "Metric chart"),),
        incident_tag(2): (),
    }
    for page in ("", "chart", "gone"):
        notifying._clicked(incident_tag(1), page)
    best, chart = (link.url for link in desk.console_links(desk.kept[1]))
    assert desk.opened_urls == [best, chart, best]


def test_a_log_that_stores_nothing_is_told_and_taken_back(screen: Screen, notifying: Notifying) -> None:
    notifying.take([LogChanged(LogState(storing=False, problems=("The disk is full.",)))])
    notifying.take([LogChanged(LogState())])
    assert (tags(screen.shown), screen.withdrawn) == (["log"], ["log"])


def test_mistakes_in_the_settings_are_told_where_nobody_reads_the_terminal(
    screen: Screen, notifying: Notifying
) -> None:
    notifying.tell_settings(())
    notifying.tell_settings(("/x/settings.toml: it is not TOML.",))
    notifying.tell_settings(("one", "two", "three", "four"))
    one, four = screen.shown
    assert (one.title, one.lines) == ("The settings have a mistake", ("/x/settings.toml: it is not TOML.",))
    assert (four.title, len(four.lines)) == ("The settings have 4 mistakes", 3)


def test_each_kind_of_refusal_is_a_notification_of_its_own(screen: Screen, notifying: Notifying) -> None:
    notifying.take([CallbackRefused("mistyped", "there is a slash."), CallbackRefused("too large", "it is too large.")])

    assert [(notice.title, notice.lines) for notice in screen.shown] == [
        ("A callback was refused", ("There is a slash.",)),
        ("A callback was refused", ("It is too large.",)),
    ]
    assert len({notice.tag for notice in screen.shown}) == 2
