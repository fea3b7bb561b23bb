"""The base class of the desktop notifiers. The methods `show` and `withdraw` never wait and never raise.

The desktop may become able or unable to show notifications while the program runs. While it cannot show them, the
sentence in `Notifier.problem` says why.
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

    `on_click` is called with the tag of the clicked notification and a key. If the user clicked one of the
    notification's `more_buttons`, the key is the key of that button. Otherwise the key is empty. `on_change` is called
    when `available` or `problem` changes.
    """

    def __init__(self, *, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> None:
        self.available = False
        """Whether the desktop can currently show notifications."""
        self.problem: str | None = None
        """A sentence that says why notifications are not shown, or None if nothing is wrong."""
        self._on_click = on_click
        self._on_change = on_change
        self._queue = NotificationQueue[NotificationRequest]()
        self._wakeup = asyncio.Event()
        self._shown: Collection[str] = ()
        """The tags of the notifications that are on the screen."""
        self._final_tags: set[str] = set()

    @abstractmethod
    async def start(self) -> None:
        """Start accepting notifications, and start finding out whether the desktop can show them."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop the notifier and remove all notifications from the screen.

        Notifications must not stay on the screen, because a click on one would do nothing once the program has ended.
        """

    def show(self, notification: Notification) -> None:
        """Show a notification as soon as possible, replacing any earlier notification with the same tag."""
        self._final_tags.discard(notification.tag)
        self._queue.put(ShowNotification(notification))
        self._wakeup.set()

    def withdraw(self, tag: str, final: Notification | None = None) -> None:
        """Withdraw the notification with the given tag. If `final` is given, show `final` instead for a short time."""
        self._queue.put(WithdrawNotification(tag, final))
        self._wakeup.set()

    @abstractmethod
    async def _send(self, notification: Notification) -> None:
        """Show a notification on the screen."""

    @abstractmethod
    async def _clear(self, tag: str) -> None:
        """Remove the notification with the given tag from the screen."""

    @abstractmethod
    def _expire(self, tag: str) -> None:
        """Remove a `final` notification whose time is over.

        The notifier does this itself because some daemons ignore the timeout of notifications.
        """

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
        """Set `available` and `problem`. If one of them changes, log the change and call `on_change`."""
        if (available, problem) == (self.available, self.problem):
            return
        if problem and problem != self.problem:
            logger.warning("%s", problem)
        elif available and not problem:
            logger.info("desktop notifications work")
        self.available, self.problem = available, problem
        self._on_change()
