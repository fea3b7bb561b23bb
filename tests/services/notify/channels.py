"""Channels of the tests' own, and waiting for what they are to show."""

import asyncio
from collections.abc import Callable

from trayalert.domain.notification import Notification, NotificationRequest, ShowNotification


class MemoryChannel:
    """Keeps what it is to show."""

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
    """Hangs at its first request until it is released."""

    def __init__(self) -> None:
        super().__init__("hanging")
        self.released = asyncio.Event()

    async def carry_out(self, request: NotificationRequest) -> None:
        await super().carry_out(request)
        await self.released.wait()


class FailingChannel(MemoryChannel):
    """Raises at each request."""

    def __init__(self, error: Exception) -> None:
        super().__init__("failing")
        self.error = error

    async def carry_out(self, request: NotificationRequest) -> None:
        await super().carry_out(request)
        raise self.error


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - of timers, too
            await asyncio.sleep(0.001)
