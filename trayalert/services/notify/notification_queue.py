"""Requests that wait until a channel can carry them out."""

from dataclasses import replace

from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification, WithdrawNotification

MAX_WAITING = 50


class NotificationQueue:
    """Requests in their order: one per tag, the newest; never more than MAX_WAITING."""

    def __init__(self) -> None:
        self._requests: dict[str, NotificationRequest] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def put(self, request: NotificationRequest) -> None:
        """Add a request, in the place of an older one with its tag. When full, the calmest is let go."""
        match request, self._requests.get(request.tag):
            case ShowNotification(Notification(update_only=True) as new), ShowNotification(old) if not old.update_only:
                request = ShowNotification(replace(new, update_only=False))
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


def _priority(request: NotificationRequest) -> int:
    # a withdrawal that is lost leaves a lie on the screen: those go last
    return 100 if isinstance(request, WithdrawNotification) else request.notification.level.rank
