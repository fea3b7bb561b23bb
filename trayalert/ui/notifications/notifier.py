"""The base class of the desktop notifiers. The methods `show` and `withdraw` never wait and never raise.

While the desktop cannot show notifications, `Notifier.problem` says why. This state can change while the program runs.
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

    `on_click` is called with the tag of the clicked notification and the key of the clicked button. The key is empty if
    the user clicked the first button or the text. `on_change` is called when `available` or `problem` changes.
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

        After the program has ended, a click on a notification would do nothing.
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
        """Remove a `final` notification from the screen after its timeout.

        Some daemons ignore timeouts and would not remove the notification.
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
        """Set `available` and `problem`. If either value changes, log the change and call `on_change`."""
        if (available, problem) == (self.available, self.problem):
            return
        if problem and problem != self.problem:
            logger.warning("%s", problem)
        elif available and not problem:
            logger.info("desktop notifications work")
        self.available, self.problem = available, problem
        self._on_change()
