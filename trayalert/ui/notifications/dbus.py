"""Desktop notifications on Linux, shown by calling org.freedesktop.Notifications with the library dbus-fast.

`show` and `withdraw` never wait and never raise, even if the notification daemon is absent, starts late, dies, hangs or
refuses notifications.

Two tasks run on the main thread's event loop. One task keeps the connection to the session bus open. The other task
carries out the requests one at a time, each with a deadline. A daemon that hangs is called only once every
`reply_timeout` + `retry_delay` seconds, so that calls do not pile up. Both tasks sleep while there are no requests and
no messages from the bus.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from dbus_fast import Message
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from trayalert.dbus_client import (
    BUS_FAULTS,
    bus_call,
    call,
    connect_bus,
    has_owner,
    is_activatable,
    method_call,
    reply_body,
    session_bus_address,
    wait_disconnected,
    without_reply,
)
from trayalert.domain.notification import Notification, NotificationRequest
from trayalert.domain.phrase import Phrase
from trayalert.ui.notifications.dbus_message import NOTIFY_SIGNATURE, Daemon, button_key, notify_arguments
from trayalert.ui.notifications.notifier import Notifier

BUS_NAME = "org.freedesktop.Notifications"
OBJECT_PATH = "/org/freedesktop/Notifications"

NO_BUS = Phrase("No session bus: tray and window carry all alerts, without desktop notifications.")
NO_DAEMON = Phrase("No notification daemon: tray and window carry all alerts.")
HANGS = Phrase("The notification daemon does not answer: tray and window carry all alerts.")
REFUSES = Phrase("The notification daemon refuses notifications: look at tray and window.")

_OWNER_RULE = f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{BUS_NAME}'"
_DAEMON_RULE = f"type='signal',sender='{BUS_NAME}',interface='{BUS_NAME}',path='{OBJECT_PATH}'"

_ABSENT_ERRORS = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.TimedOut",
    "org.freedesktop.DBus.Error.Spawn",  # the prefix of a dozen errors that say that the bus could not start the daemon
    "org.freedesktop.systemd1.",
)
_MAX_ATTEMPTS = 3
_STOP_TIMEOUT = 2.0
"""Maximum time in seconds that `stop` waits for the daemon's answer to the current call.

A notification that the daemon shows after that time stays on the screen, with buttons that do nothing.
"""
_STOP_TIMEOUT_WHEN_HANGING = 0.5

logger = logging.getLogger(__name__)


class _NoReplyError(Exception):
    """The daemon has not answered a call in time, or there is no connection to the session bus."""


class DbusNotifier(Notifier):
    """The Notifier for Linux. All times are in seconds.

    `address` is the address of the session bus. If `address` is None, the notifier looks for the bus in the same way as
    libdbus.

    A daemon that has not answered a call within `reply_timeout` counts as hanging. The notifier then makes no call for
    `retry_delay`. If the connection to the bus is lost, the notifier connects again after `retry_delay`. If the daemon
    refuses a notification, the notifier sends the notification again after `refusal_delay`.
    """

    def __init__(
        self,
        *,
        on_click: Callable[[str, str], None],
        on_change: Callable[[], None],
        address: str | None = None,
        reply_timeout: float = 5.0,
        retry_delay: float = 60.0,
        refusal_delay: float = 2.0,
    ) -> None:
        super().__init__(on_click=on_click, on_change=on_change)
        self._address = address
        self._reply_timeout = reply_timeout
        self._retry_delay = retry_delay
        self._refusal_delay = refusal_delay
        self._bus: MessageBus | None = None
        self._owner: str | None = None
        self._activatable = False
        self._daemon: Daemon | None = None
        self._shown: dict[str, int] = {}
        self._current_tag: str | None = None
        self._attempts = 0
        self._stopping = False
        self._first_attempt_done = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start accepting notifications.

        Return after the first attempt to connect to the session bus, even if that attempt has failed.
        """
        self._tasks = [_start_task(self._keep_connected()), _start_task(self._process_queue())]
        await self._first_attempt_done.wait()

    def withdraw(self, tag: str, final: Notification | None = None) -> None:
        """Withdraw the notification with the given tag.

        If `final` is given, show `final` instead for a short time. If `final` is None and the notification is still in
        the queue, only drop the notification from the queue.
        """
        if final is None and tag not in self._shown and tag != self._current_tag:
            self._queue.drop(tag)
        else:
            super().withdraw(tag, final)

    async def stop(self) -> None:
        """End the tasks and remove all notifications from the screen.

        After the program has ended, a click on a notification would do nothing.
        """
        self._stopping = True
        self._wakeup.set()
        if self._tasks:
            hangs = self.problem == HANGS
            # wait for the id of the notification that is being shown now: closing it needs the id
            await asyncio.wait(self._tasks[1:], timeout=_STOP_TIMEOUT_WHEN_HANGING if hangs else _STOP_TIMEOUT)
        for tag in list(self._shown):
            self._expire(tag)
        for task in self._tasks:
            task.cancel()
        endings = list(self._tasks)
        if self._bus is not None:
            self._bus.disconnect()
            endings.append(asyncio.ensure_future(wait_disconnected(self._bus)))
        if endings:
            await asyncio.wait(endings, timeout=0.5)

    # The connection to the session bus

    async def _keep_connected(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._reply_timeout):
                    bus = await self._connect()
            except BUS_FAULTS as fault:
                logger.debug("no session bus: %s", fault)
            else:
                self._first_attempt_done.set()
                await wait_disconnected(bus)
            self._bus, self._activatable = None, False
            self._set_owner(None)
            self._set_state(available=False, problem=NO_BUS)
            self._first_attempt_done.set()
            await asyncio.sleep(self._retry_delay)

    async def _connect(self) -> MessageBus:
        address = self._address or session_bus_address()
        if address is None:
            raise FileNotFoundError("nothing says where the session bus is")
        bus = await connect_bus(address, self._on_signal, _OWNER_RULE, _DAEMON_RULE)
        activatable = await is_activatable(bus, BUS_NAME)
        owned = await has_owner(bus, BUS_NAME)
        (owner,) = await call(bus, bus_call("GetNameOwner", "s", BUS_NAME)) if owned else (None,)
        self._bus, self._activatable = bus, activatable
        self._set_owner(owner)
        return bus

    def _on_signal(self, message: Message) -> None:
        match (message.member, message.body):
            case ("NameOwnerChanged", [str(name), str(), str(new)]) if name == BUS_NAME:
                self._set_owner(new or None)
            case ("NotificationClosed", [int(notification_id), int()]) if message.sender == self._owner:
                self._shown = {tag: shown_id for tag, shown_id in self._shown.items() if shown_id != notification_id}
            case ("ActionInvoked", [int(notification_id), str(action)]) if message.sender == self._owner:
                tag = next((tag for tag, shown_id in self._shown.items() if shown_id == notification_id), None)
                if tag is not None:  # call_soon, as the click must not be handled inside the bus's message reader
                    asyncio.get_running_loop().call_soon(self._on_click, tag, button_key(action))

    def _set_owner(self, owner: str | None) -> None:
        self._owner = owner
        self._daemon = None
        self._shown.clear()  # a new daemon does not know the ids of the old daemon
        self._final_tags.clear()
        if self._bus is not None:
            present = owner is not None or self._activatable
            self._set_state(available=present, problem=None if present else NO_DAEMON)
            self._wakeup.set()

    # Carrying out requests

    async def _process_queue(self) -> None:
        while not self._stopping:
            await self._wakeup.wait()
            self._wakeup.clear()
            while self._queue and self._reachable and not self._stopping:
                request = self._queue.take()
                self._current_tag = request.tag
                try:
                    await self._process(request)
                    self._attempts = 0
                except _NoReplyError:
                    self._queue.put_back(request)
                except DBusError as fault:
                    await self._on_error(fault, request)
                except BUS_FAULTS:
                    self._queue.put_back(request)
                    self._bus = None  # the other task notices the disconnection and connects again
                finally:
                    self._current_tag = None

    @property
    def _reachable(self) -> bool:
        present = self._owner is not None or self._activatable
        return present and self._bus is not None and self._bus.connected

    async def _send(self, notification: Notification) -> None:
        if self._daemon is None:
            capabilities = reply_body(await self._call("GetCapabilities"))[0]
            name = reply_body(await self._call("GetServerInformation"))[0]
            self._daemon = Daemon(name, frozenset(capabilities))
        arguments = notify_arguments(notification, self._daemon, replaces=self._shown.get(notification.tag, 0))
        reply = await self._call("Notify", NOTIFY_SIGNATURE, *arguments)
        (notification_id,) = reply_body(reply)
        self._set_state(available=True)
        if reply is not None and reply.sender == self._owner:  # otherwise the daemon that replied has ended
            self._shown[notification.tag] = notification_id

    async def _call(self, member: str, signature: str = "", *body: Any) -> Message | None:
        """Call the daemon's method `member`, and return the daemon's reply, which may be an error message.

        Raise `_NoReplyError` in two cases:

        - There is no connection to the session bus.
        - The daemon has not answered `reply_timeout` + `retry_delay` seconds after the call.

        Raise one of BUS_FAULTS if the connection fails during the call.
        """
        if self._bus is None:
            raise _NoReplyError
        pending_call = asyncio.ensure_future(
            self._bus.call(method_call(BUS_NAME, OBJECT_PATH, member, signature, *body))
        )
        pending_call.add_done_callback(_ignore_exception)  # nothing awaits the call if `stop` cancels this task
        done, _ = await asyncio.wait({pending_call}, timeout=self._reply_timeout)
        if not done:
            self._set_state(available=False, problem=HANGS)
            # make no further call in the meantime: calls to a daemon that hangs would only pile up
            done, _ = await asyncio.wait({pending_call}, timeout=self._retry_delay)
        if not done:
            pending_call.add_done_callback(self._close_late)
            raise _NoReplyError
        if not self.available and self._owner is not None:
            self._set_state(available=True)
        return pending_call.result()

    def _close_late(self, pending_call: "asyncio.Future[Message]") -> None:
        """Close a notification that the daemon shows after the notifier has abandoned the call.

        The request has been put back into the queue, and another call shows the notification. The late notification
        would be a duplicate.
        """
        reply: Message | None = None if pending_call.cancelled() or pending_call.exception() else pending_call.result()
        if reply is not None and reply.signature == "u" and reply.sender == self._owner:
            self._send_close(reply.body[0])

    async def _on_error(self, fault: DBusError, request: NotificationRequest) -> None:
        logger.debug("the notification daemon: %s", fault)
        if fault.type.startswith(_ABSENT_ERRORS):
            self._activatable = False  # until a daemon starts by itself
            self._queue.put_back(request)
            if self._owner is None:
                self._set_state(available=False, problem=NO_DAEMON)
            return
        self._attempts += 1
        if self._attempts < _MAX_ATTEMPTS:
            self._queue.put_back(request)
            await asyncio.sleep(self._refusal_delay)  # the daemon may refuse because too much was sent in a short time
            return
        self._attempts = 0
        self._set_state(available=self.available, problem=REFUSES)

    async def _clear(self, tag: str) -> None:
        self._expire(tag)

    def _expire(self, tag: str) -> None:
        notification_id = self._shown.pop(tag, None)
        if notification_id is not None:
            self._send_close(notification_id)

    def _send_close(self, notification_id: int) -> None:
        if self._bus is not None and self._bus.connected:
            sent = self._bus.send(
                without_reply(method_call(BUS_NAME, OBJECT_PATH, "CloseNotification", "u", notification_id))
            )
            sent.add_done_callback(_ignore_exception)


def _ignore_exception(work: "asyncio.Future[Any]") -> None:
    """Retrieve the exception of a future, so that asyncio does not log it as never retrieved."""
    if not work.cancelled():
        work.exception()


def _start_task(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    task = asyncio.ensure_future(work)
    task.add_done_callback(_log_exception)
    return task


def _log_exception(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (exception := task.exception()) is not None:
        logger.error("desktop notifications ended by a bug", exc_info=exception)
