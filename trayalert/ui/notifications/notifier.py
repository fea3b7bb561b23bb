"""The base class of the desktop notifiers. `show` and `withdraw` never wait and never raise an exception.

Whether notifications can be shown may change while the program runs. The sentence in `Notifier.problem` then tells the
user why notifications cannot be shown.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection

from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, WithdrawNotification
from trayalert.services.notify.notification_queue import NotificationQueue

logger = logging.getLogger(__name__)


class Notifier(ABC):
    """Shows notifications on the desktop. A notifier is created, used and stopped on the main thread's event loop.

    `on_click` is called with the tag of the notification that was clicked and the key of the clicked button, if the
    button is one of `more_buttons`; otherwise the key is empty. `on_change` is called when `available` or `problem`
    changes.
    """

    def __init__(self, *, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> None:
        self.available = False
        """Whether the desktop would show a notification now."""
        self.problem: str | None = None
        """A sentence on why notifications are not shown, or None if nothing is wrong."""
        self._on_click = on_click
        self._on_change = on_change
        self._queue = NotificationQueue[NotificationRequest]()
        self._wakeup = asyncio.Event()
        self._shown: Collection[str] = ()
        """The tags of the notifications that are on the screen."""
        self._final_tags: set[str] = set()

    @abstractmethod
    async def start(self) -> None:
        """Find out whether notifications can be shown. Accept notifications from now on."""

    @abstractmethod
    async def stop(self) -> None:
        """Remove all notifications from the screen, as a click on them would do nothing, and end."""

    def show(self, notification: Notification) -> None:
        """Show a notification as soon as possible, in place of an earlier notification with the same tag."""
        self._final_tags.discard(notification.tag)
        self._queue.put(ShowNotification(notification))
        self._wakeup.set()

    def withdraw(self, tag: str, final: Notification | None = None) -> None:
        """Withdraw the notification with that tag, after showing `final` in its place for a short time if given."""
        self._queue.put(WithdrawNotification(tag, final))
        self._wakeup.set()

    @abstractmethod
    async def _send(self, notification: Notification) -> None:
        """Show a notification on the screen."""

    @abstractmethod
    async def _clear(self, tag: str) -> None:
        """Remove the notification with that tag from the screen."""

    @abstractmethod
    def _expire(self, tag: str) -> None:
        """Remove a `final` notification when its time is over, as some daemons ignore the timeout of notifications."""

    async def _process(self, request: NotificationRequest) -> None:
        match request:
            case ShowNotification(notification=notification):
                if not notification.update_only or notification.tag in self._shown:
                    await self._send(notification)
            case WithdrawNotification(tag=tag, final=None):
                await self._clear(tag)
            case WithdrawNotification(tag=tag, final=Notification() as notification):
                await self._send(notification)
                self._final_tags.add(tag)
                seconds = (notification.timeout or 5_000) / 1000
                asyncio.get_running_loop().call_later(seconds, self._on_timeout, tag)

    def _on_timeout(self, tag: str) -> None:
        if tag in self._final_tags:
            self._final_tags.discard(tag)
            self._expire(tag)

    def _set_state(self, *, available: bool, problem: str | None = None) -> None:
        """Set `available` and `problem`. If either of them changes, log the change and call `on_change`."""
        if (available, problem) == (self.available, self.problem):
            return
        if problem and problem != self.problem:
            logger.warning("%s", problem)
        elif available and not problem:
            logger.info("desktop notifications work")
        self.available, self.problem = available, problem
        self._on_change()
