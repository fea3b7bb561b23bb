"""Channels for tests, which record their requests, and a function that waits for a condition."""

import asyncio
from collections.abc import Callable

from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification


class MemoryChannel:
    """Records its requests."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.requests: list[NotificationRequest] = []

    async def carry_out(self, request: NotificationRequest) -> None:
        self.requests.append(request)

    @property
    def shown(self) -> list[Notification]:
        return [request.notification for request in self.requests if isinstance(request, ShowNotification)]

    @property
    def shown_tags(self) -> list[str]:
        return [notification.tag for notification in self.shown]

    @property
    def withdrawn_tags(self) -> list[str]:
        return [request.tag for request in self.requests if not isinstance(request, ShowNotification)]


class HangingChannel(MemoryChannel):
    """Does not complete its requests until the test sets `released`."""

    def __init__(self) -> None:
        super().__init__("hanging")
        self.released = asyncio.Event()

    async def carry_out(self, request: NotificationRequest) -> None:
        await super().carry_out(request)
        await self.released.wait()


class FailingChannel(MemoryChannel):
    """Records each request, and then raises `error`."""

    def __init__(self, error: Exception) -> None:
        super().__init__("failing")
        self.error = error

    async def carry_out(self, request: NotificationRequest) -> None:
        await super().carry_out(request)
        raise self.error


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - no event says when a condition becomes true that depends on timers
            await asyncio.sleep(0.001)
