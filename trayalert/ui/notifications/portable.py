"""Desktop notifications on Windows and macOS, through desktop-notifier. Imported only there.

Its rule is that of `notifier.py`: nothing raises or waits in the caller. On Linux it works too, which is how it is
tested, but escapes nothing there: `dbus_notifier.py` is Linux's.
"""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

from desktop_notifier import Button, DesktopNotifier, Notification, Urgency

from trayalert.domain.incident.level import Level
from trayalert.domain.notification import Notice, Show, Wish, Withdraw
from trayalert.domain.text import printable
from trayalert.ui.notifications.notifier import Standing, WishQueue

FORBIDDEN = "The system does not let trayalert show notifications: tray and window carry all alerts."
FAILED = "The last notification could not be shown: look at tray and window."

_ANSWER_WITHIN = 5.0
_URGENCIES = {
    Level.CRITICAL: Urgency.Critical,
    Level.WARN: Urgency.Normal,
    Level.INFO: Urgency.Low,
    Level.OK: Urgency.Low,
}


class PortableNotifier:
    """A Notifier (see `notifier.py`). `on_click` gets the tag of a notification that was clicked.

    It also gets the key of the `further` button that was taken, else an empty text.
    """

    def __init__(self, *, on_click: Callable[[str, str], None], on_change: Callable[[], None]) -> None:
        self._on_click = on_click
        self._standing = Standing(on_change)
        self._desktop = DesktopNotifier(app_name="trayalert", app_icon=None)
        self._queue = WishQueue()
        self._shown: set[str] = set()
        self._farewells: set[str] = set()
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def available(self) -> bool:
        """Whether a notice would be shown now."""
        return self._standing.available

    @property
    def problem(self) -> str | None:
        """A sentence about what is wrong, None when nothing is."""
        return self._standing.problem

    async def start(self) -> None:
        """Take notices from now on. The system may ask the person for leave, who may take long: that is not awaited."""
        self._task = asyncio.ensure_future(self._carry_out_all())
        await asyncio.sleep(0)

    def show(self, notice: Notice) -> None:
        """Show it in place of an earlier one with its tag, as soon as that can be."""
        self._farewells.discard(notice.tag)
        self._queue.put(Show(notice))
        self._work.set()

    def withdraw(self, tag: str, farewell: Notice | None = None) -> None:
        """Take away what is shown with that tag, after a short farewell where one is given."""
        self._queue.put(Withdraw(tag, farewell))
        self._work.set()

    async def stop(self) -> None:
        """Take away all that is shown, as clicking it would do nothing, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                for tag in list(self._shown):
                    await self._clear(tag)

    async def _carry_out_all(self) -> None:
        allowed = await self._desktop.request_authorisation()
        self._standing.become(available=allowed, problem=None if allowed else FORBIDDEN)
        while True:
            await self._work.wait()
            self._work.clear()
            while self._queue:
                try:
                    async with asyncio.timeout(_ANSWER_WITHIN):
                        await self._carry_out(self._queue.take())
                except TimeoutError:
                    self._standing.become(available=self.available, problem=FAILED)

    async def _carry_out(self, wish: Wish) -> None:
        match wish:
            case Show(notice=notice):
                if not notice.quiet or notice.tag in self._shown:
                    await self._send(notice)
            case Withdraw(tag=tag, farewell=None):
                await self._clear(tag)
            case Withdraw(tag=tag, farewell=Notice() as notice):
                await self._send(notice)
                self._farewells.add(tag)
                asyncio.get_running_loop().call_later((notice.lasts or 5_000) / 1000, self._end_farewell, tag)

    async def _send(self, notice: Notice) -> None:
        tag = notice.tag
        await self._clear(tag)  # it would stay beside the new one on some systems
        lines = [printable(line) for line in notice.lines]
        sent: list[bool] = []
        await self._desktop.send_notification(
            Notification(
                printable(notice.title),
                "\n".join(line for line in lines if line),
                urgency=_URGENCIES[notice.level],
                buttons=tuple(
                    Button(printable(word), on_pressed=partial(self._clicked, tag, key))
                    for key, word in (("", notice.action), *notice.further)
                ),
                on_dispatched=lambda: sent.append(True),
                on_clicked=lambda: self._clicked(tag),
                on_dismissed=lambda: self._shown.discard(tag),
                timeout=-1 if notice.lasts is None else max(1, notice.lasts // 1000),
                identifier=tag,
            )
        )
        if sent:  # it swallows what goes wrong
            self._shown.add(tag)
        self._standing.become(available=self.available, problem=None if sent or not self.available else FAILED)

    async def _clear(self, tag: str) -> None:
        if tag in self._shown:
            self._shown.discard(tag)
            with contextlib.suppress(KeyError):  # the person closed it, and nobody told us
                await self._desktop.clear(tag)

    def _clicked(self, tag: str, key: str = "") -> None:
        self._shown.discard(tag)
        asyncio.get_running_loop().call_soon(self._on_click, tag, key)

    def _end_farewell(self, tag: str) -> None:
        if tag in self._farewells:
            self._farewells.discard(tag)
            self.withdraw(tag)
