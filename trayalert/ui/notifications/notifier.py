"""What the desktop notifiers share. Their rule: no call waits and none raises.

Whether notifications can be shown changes while the program runs, and a sentence for the person says why not.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection

from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, WithdrawNotification
from trayalert.services.notify.notification_queue import NotificationQueue

logger = logging.getLogger(__name__)


class Notifier(ABC):
    """Shows notifications on the desktop. It is made, used and stopped on the main thread's loop.

    `on_click` gets the tag of a notification that was clicked, and the key of the one of `more_buttons` that was
    clicked, else an empty text. `on_change` is called when `available` or `problem` changes.
    """

    def __init__(self, *, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> None:
        self.available = False
        """Whether a notification would be shown now."""
        self.problem: str | None = None
        """A sentence about what is wrong, None if nothing is."""
        self._on_click = on_click
        self._on_change = on_change
        self._queue = NotificationQueue[NotificationRequest]()
        self._wakeup = asyncio.Event()
        self._shown: Collection[str] = ()
        """The tags of the notifications on the screen."""
        self._final_tags: set[str] = set()

    @abstractmethod
    async def start(self) -> None:
        """Find out what can be shown; from now on notifications are taken."""

    @abstractmethod
    async def stop(self) -> None:
        """Take away all that is shown, as clicking it would do nothing, and end."""

    def show(self, notification: Notification) -> None:
        """Show a notification in place of an earlier one with its tag, as soon as possible."""
        self._final_tags.discard(notification.tag)
        self._queue.put(ShowNotification(notification))
        self._wakeup.set()

    def withdraw(self, tag: str, final: Notification | None = None) -> None:
        """Take away the notification with that tag, after a short `final` one if given."""
        self._queue.put(WithdrawNotification(tag, final))
        self._wakeup.set()

    @abstractmethod
    async def _send(self, notification: Notification) -> None:
        """Put a notification on the screen."""

    @abstractmethod
    async def _clear(self, tag: str) -> None:
        """Take the notification with that tag off the screen."""

    @abstractmethod
    def _expire(self, tag: str) -> None:
        """Take a final notification off the screen: some daemons ignore the timeout of a notification."""

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
        """Set both, and report a change."""
        if (available, problem) == (self.available, self.problem):
            return
        if problem and problem != self.problem:
            logger.warning("%s", problem)
        elif available and not problem:
            logger.info("desktop notifications work")
        self.available, self.problem = available, problem
        self._on_change()
