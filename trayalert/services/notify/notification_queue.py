"""A queue for requests that wait until a channel can carry them out."""

from dataclasses import replace
from typing import Generic, TypeVar, cast

from trayalert.domain.notification import Notification, ShowNotification, WithdrawNotification
from trayalert.services.notify.policy_requests import PolicyRequest, ShowSummary, WithdrawRecovered

MAX_WAITING = 50

_Request = TypeVar("_Request", bound=PolicyRequest)


class NotificationQueue(Generic[_Request]):
    """A queue of at most MAX_WAITING requests. For each tag, the queue contains only the newest request."""

    def __init__(self) -> None:
        self._requests: dict[str, _Request] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def put(self, request: _Request) -> None:
        """Add a request, replacing any older request with the same tag.

        The new request takes the place of the older request in the queue. If the older request would have shown a new
        notification, `update_only` is switched off in the new request. The new request then shows the notification. If
        the queue becomes too long, the request with the lowest level is dropped. Withdrawals are dropped last.
        """
        older = self._requests.get(request.tag)
        if older is not None and _only_updates(request) and not _withdraws(older) and not _only_updates(older):
            request = cast("_Request", _shown_anew(request))
        self._requests[request.tag] = request
        if len(self._requests) > MAX_WAITING:
            del self._requests[min(self._requests.values(), key=_priority).tag]

    def put_back(self, request: _Request) -> None:
        """Insert a request at the head of the queue. Called if the request could not be carried out.

        If the queue contains a newer request with the same tag, drop the given request instead.
        """
        if request.tag not in self._requests:
            self._requests = {request.tag: request} | self._requests

    def take(self) -> _Request:
        """Remove and return the first request in the queue. The queue must not be empty."""
        return self._requests.pop(next(iter(self._requests)))

    def drop(self, tag: str) -> None:
        """Remove the request with the given tag, if there is one."""
        self._requests.pop(tag, None)


def _withdraws(request: PolicyRequest) -> bool:
    return isinstance(request, WithdrawNotification | WithdrawRecovered)


def _only_updates(request: PolicyRequest) -> bool:
    match request:
        case ShowNotification(notification=Notification(update_only=True)) | ShowSummary(update_only=True):
            return True
    return False


def _shown_anew(request: PolicyRequest) -> PolicyRequest:
    """Return the request with `update_only` switched off.

    The notification is then shown even if no notification with the same tag is on the screen.
    """
    match request:
        case ShowNotification(notification=notification):
            return ShowNotification(replace(notification, update_only=False))
        case ShowSummary():
            return replace(request, update_only=False)
    return request


def _priority(request: PolicyRequest) -> int:
    match request:
        case WithdrawNotification() | WithdrawRecovered():
            return 100  # dropped last, because a lost withdrawal leaves an outdated notification on the screen
        case ShowNotification(notification=notification):
            return notification.level.rank
        case _:
            return request.level.rank
