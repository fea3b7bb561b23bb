"""What a desktop notifier does, and what each platform's has: a state and a queue of requests.

Its rule: no call waits and none raises. Whether notifications can be shown at all is a property that changes while the
program runs, and a sentence for the person says why not.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, WithdrawNotification

MAX_WAITING = 50

logger = logging.getLogger(__name__)


class NotifierState:
    """Whether notifications work, and why not; tells `on_change` and the logger once per change."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.available = False
        self.problem: str | None = None
        self._on_change = on_change

    def set_state(self, *, available: bool, problem: str | None = None) -> None:
        """Set both; nothing is said where nothing changed."""
        if (available, problem) == (self.available, self.problem):
            return
        if problem and problem != self.problem:
            logger.warning("%s", problem)
        elif available and not problem:
            logger.info("desktop notifications work")
        self.available, self.problem = available, problem
        self._on_change()


class NotificationQueue:
    """Requests that wait for the daemon, in their order: one per tag, the newest; never more than MAX_WAITING."""

    def __init__(self) -> None:
        self._requests: dict[str, NotificationRequest] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def put(self, request: NotificationRequest) -> None:
        """Add a request, in the place of an older one with its tag. When full, the calmest is let go."""
        replaced = self._requests.get(request.tag)
        if (
            isinstance(request, ShowNotification)
            and request.notification.update_only
            and isinstance(replaced, ShowNotification)
            and not replaced.notification.update_only
        ):
            request = ShowNotification(replace(request.notification, update_only=False))
        self._requests[request.tag] = request
        if len(self._requests) > MAX_WAITING:
            del self._requests[min(self._requests.values(), key=_priority).tag]

    def put_back(self, request: NotificationRequest) -> None:
        """Put a request at the head that could not be carried out, unless its tag has a newer one."""
        if request.tag not in self._requests:
            self._requests = {request.tag: request} | self._requests

    def take(self) -> NotificationRequest:
        """Remove and return the oldest request; there must be one."""
        return self._requests.pop(next(iter(self._requests)))

    def drop(self, tag: str) -> None:
        """Forget what waits with that tag."""
        self._requests.pop(tag, None)


class Notifier(ABC):
    """Shows notifications on the desktop. Made, used and stopped on the main thread's loop.

    `on_click` gets the tag of a notification that was clicked, and the key of the one of `more_buttons` that was
    pressed, else an empty text. `on_change` is called when `available` or `problem` has changed.
    """

    def __init__(self, *, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> None:
        self._on_click = on_click
        self._state = NotifierState(on_change)
        self._queue = NotificationQueue()
        self._wakeup = asyncio.Event()
        self._final_tags: set[str] = set()

    @property
    def available(self) -> bool:
        """Whether a notification would be shown now."""
        return self._state.available

    @property
    def problem(self) -> str | None:
        """A sentence about what is wrong, None when nothing is."""
        return self._state.problem

    @abstractmethod
    async def start(self) -> None:
        """Find out what can be shown; from now on notifications are taken."""

    def show(self, notification: Notification) -> None:
        """Show it in place of an earlier one with its tag, as soon as possible."""
        self._final_tags.discard(notification.tag)
        self._queue.put(ShowNotification(notification))
        self._wakeup.set()

    def withdraw(self, tag: str, final: Notification | None = None) -> None:
        """Take away what is shown with that tag, after showing `final` for a short time if given."""
        self._queue.put(WithdrawNotification(tag, final))
        self._wakeup.set()

    @abstractmethod
    async def stop(self) -> None:
        """Take away all that is shown, as clicking it would do nothing, and end."""


def _priority(request: NotificationRequest) -> int:
    # a withdrawal that is lost leaves a lie on the screen: those go last
    return 100 if isinstance(request, WithdrawNotification) else request.notification.level.rank
