"""Desktop notifications on Windows and macOS, through the library desktop-notifier.

On Linux, only the tests import this module. The program uses `dbus.py` on Linux, because desktop-notifier does not
escape markup there.
"""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

from desktop_notifier import Button, DesktopNotifier, Urgency
from desktop_notifier import Notification as DesktopNotification

from trayalert.domain.incident.level import Level
from trayalert.domain.notification import Notification
from trayalert.domain.phrase import Phrase
from trayalert.domain.text import printable
from trayalert.ui.notifications.notifier import Notifier

FORBIDDEN = Phrase("The system does not let trayalert show notifications: tray and window carry all alerts.")
FAILED = Phrase("The last notification could not be shown: look at tray and window.")

_REPLY_TIMEOUT = 5.0
_URGENCIES = {
    Level.CRITICAL: Urgency.Critical,
    Level.WARN: Urgency.Normal,
    Level.INFO: Urgency.Low,
    Level.OK: Urgency.Low,
}


class PortableNotifier(Notifier):
    """The Notifier for Windows and macOS."""

    def __init__(self, *, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> None:
        super().__init__(on_click=on_click, on_change=on_change)
        self._desktop = DesktopNotifier(app_name="trayalert", app_icon=None)
        self._shown: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start accepting notifications.

        The system may ask the user to allow notifications. `start` does not wait for the answer.
        """
        self._task = asyncio.ensure_future(self._process_queue())
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """End the task and remove all notifications from the screen.

        After the program has ended, a click on a notification would do nothing.
        """
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                for tag in list(self._shown):
                    await self._clear(tag)

    async def _process_queue(self) -> None:
        allowed = await self._desktop.request_authorisation()
        self._set_state(available=allowed, problem=None if allowed else FORBIDDEN)
        while True:
            await self._wakeup.wait()
            self._wakeup.clear()
            while self._queue:
                try:
                    async with asyncio.timeout(_REPLY_TIMEOUT):
                        await self._process(self._queue.take())
                except TimeoutError:
                    self._set_state(available=self.available, problem=FAILED)

    async def _send(self, notification: Notification) -> None:
        tag = notification.tag
        await self._clear(tag)  # on some systems the old notification would stay next to the new one
        lines = [printable(line) for line in notification.lines]
        sent: list[bool] = []
        await self._desktop.send_notification(
            DesktopNotification(
                printable(notification.title),
                "\n".join(line for line in lines if line),
                urgency=_URGENCIES[notification.level],
                buttons=tuple(
                    Button(printable(label), on_pressed=partial(self._clicked, tag, key))
                    for key, label in (("", notification.button), *notification.more_buttons)
                ),
                on_dispatched=lambda: sent.append(True),
                on_clicked=lambda: self._clicked(tag),
                on_dismissed=lambda: self._shown.discard(tag),
                timeout=-1 if notification.timeout is None else max(1, notification.timeout // 1000),
                identifier=tag,
            )
        )
        if sent:  # desktop-notifier suppresses exceptions, and calls on_dispatched only on success
            self._shown.add(tag)
        self._set_state(available=self.available, problem=None if sent or not self.available else FAILED)

    async def _clear(self, tag: str) -> None:
        if tag in self._shown:
            self._shown.discard(tag)
            with contextlib.suppress(KeyError):  # the system does not report that the user closed it
                await self._desktop.clear(tag)

    def _expire(self, tag: str) -> None:
        self.withdraw(tag)

    def _clicked(self, tag: str, key: str = "") -> None:
        self._shown.discard(tag)
        asyncio.get_running_loop().call_soon(self._on_click, tag, key)
