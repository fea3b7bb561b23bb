"""The desktop as a channel: requests reach the notifier on the main thread, and clicks open pages."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import FakeBackend, stored
from trayalert.app.desktop_notifications import DesktopChannel, DesktopNotifications
from trayalert.clock import now
from trayalert.domain.events import IncidentChanged
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.notification import Notification, incident_tag
from trayalert.domain.wording.language import Language
from trayalert.services.notify.dispatcher import NotificationDispatcher
from trayalert.services.notify.notification_writer import NotificationWriter
from trayalert.ui.notifications.notifier import Notifier


class MemoryNotifier(Notifier):
    """Keeps the notifications that it is asked to show, and the threads that have asked."""

    def __init__(self, *, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> None:
        super().__init__(on_click=on_click, on_change=on_change)
        self.shown: list[Notification] = []
        self.withdrawn: list[str] = []
        self.threads: set[threading.Thread] = set()

    def show(self, notification: Notification) -> None:
        self.shown.append(notification)
        self.threads.add(threading.current_thread())

    def withdraw(self, tag: str, final: Notification | None = None) -> None:
        self.withdrawn.append(tag)

    def appear(self) -> None:
        self._set_state(available=True)

    def click(self, tag: str, button: str = "") -> None:
        self._on_click(tag, button)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def _send(self, notification: Notification) -> None: ...

    async def _clear(self, tag: str) -> None: ...

    def _expire(self, tag: str) -> None: ...


class Desktop:
    """A dispatcher on its own event loop and thread, as in the receiver, with the desktop's channel attached."""

    def __init__(self) -> None:
        self.backend = FakeBackend()
        self.windows: list[int | None] = []
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        channel = DesktopChannel()
        self.dispatcher = asyncio.run_coroutine_threadsafe(self._attach(channel), self.loop).result(20)
        self.notifications = DesktopNotifications(
            self.backend,
            channel,
            self.dispatcher,
            call_soon=self.loop.call_soon_threadsafe,
            show_window=self.windows.append,
            refresh=lambda: None,
            make_notifier=MemoryNotifier,
        )
        assert isinstance(self.notifications.notifier, MemoryNotifier)
        self.notifier = self.notifications.notifier

    async def _attach(self, channel: DesktopChannel) -> NotificationDispatcher:
        dispatcher = NotificationDispatcher(
            lookup=self,
            writer=NotificationWriter(links=self.backend.incidents.console_links, language=lambda: Language.EN),
            now=now,
        )
        dispatcher.attach(channel, (), available=False)
        return dispatcher

    async def states(self, ids: Sequence[int]) -> Sequence[Incident] | None:
        return [stored.incident for stored in self.backend.incidents.by_ids(ids) or ()]

    async def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        return self.backend.incidents.by_ids(ids)

    def open(self, *incidents: StoredIncident) -> None:
        self.backend.incidents.keep(*incidents)
        events = [IncidentChanged(stored.incident.id, Change.OPENED) for stored in incidents]
        self.loop.call_soon_threadsafe(self.dispatcher.on_events, events)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.dispatcher.close(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def desktop(qtbot: QtBot) -> Iterator[Desktop]:
    made = Desktop()
    made.notifier.appear()
    yield made
    made.close()


def test_what_opens_is_shown_on_the_main_thread_with_a_button_for_each_page(qtbot: QtBot, desktop: Desktop) -> None:
    desktop.open(stored(1, resource_id="i-1"), stored(2, resource_id=None))
    qtbot.waitUntil(lambda: len(desktop.notifier.shown) == 2)

    assert desktop.notifier.threads == {threading.main_thread()}
    assert {notification.tag: notification.more_buttons for notification in desktop.notifier.shown} == {
        incident_tag(1): (("chart", "Metric chart"),),
        incident_tag(2): (),
    }
    for page in ("", "chart", "gone"):
        desktop.notifier.click(incident_tag(1), page)
    best, chart = (link.url for link in desktop.backend.incidents.console_links(desktop.backend.incidents.kept[1]))
    assert desktop.backend.actions.opened_urls == [best, chart, best]
    assert desktop.windows == []
    for tag in (incident_tag(2), incident_tag(9), "summary"):
        desktop.notifier.click(tag)
    assert desktop.windows == [2, 9, None]


def test_a_pause_holds_and_its_end_shows(qtbot: QtBot, desktop: Desktop) -> None:
    desktop.notifications.pause(now() + 3_600_000)
    desktop.notifications.notify_no_tray("There is no tray.")
    desktop.open(stored(1))
    qtbot.waitUntil(lambda: bool(desktop.backend.incidents.queried_ids))
    assert desktop.notifier.shown == []

    desktop.notifications.pause(None)
    qtbot.waitUntil(lambda: {notification.tag for notification in desktop.notifier.shown} == {"tray", incident_tag(1)})


def test_a_look_at_the_window_ends_what_is_held(qtbot: QtBot, desktop: Desktop) -> None:
    desktop.notifications.pause(now() + 3_600_000)
    desktop.notifications.notify_crashes(["It crashed."])
    desktop.notifications.mark_window_seen()
    desktop.notifications.pause(None)
    desktop.notifications.notify_no_tray("There is no tray.")
    qtbot.waitUntil(lambda: bool(desktop.notifier.shown))
    assert [notification.tag for notification in desktop.notifier.shown] == ["tray"]


def test_mistakes_in_the_settings_are_told_where_nobody_reads_the_terminal(qtbot: QtBot, desktop: Desktop) -> None:
    desktop.notifications.notify_settings(())
    desktop.notifications.notify_settings(("/x/settings.toml: it is not TOML.",))
    qtbot.waitUntil(lambda: len(desktop.notifier.shown) == 1)
    desktop.notifications.notify_settings(("one", "two", "three", "four"))
    qtbot.waitUntil(lambda: len(desktop.notifier.shown) == 2)
    one, four = desktop.notifier.shown
    assert (one.title, one.lines) == ("The settings have a mistake", ("/x/settings.toml: it is not TOML.",))
    assert (four.title, len(four.lines)) == ("The settings have 4 mistakes", 3)


def test_that_the_receiver_has_stopped_is_shown_without_its_dispatcher_and_in_a_pause(
    qtbot: QtBot, desktop: Desktop
) -> None:
    desktop.notifications.pause(now() + 3_600_000)
    desktop.notifications.on_receiver_stopped("The receiver has stopped. Restart trayalert.")
    qtbot.waitUntil(lambda: bool(desktop.notifier.shown))
    (shown,) = desktop.notifier.shown
    assert shown.lines == ("The receiver has stopped. Restart trayalert.",)
