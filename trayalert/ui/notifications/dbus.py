"""Desktop notifications on Linux: org.freedesktop.Notifications over dbus-fast, on the main thread's loop.

Its rule: whatever the daemon does (absent, started late, dying, hanging, refusing), nothing here raises or waits in the
caller. There are two tasks. One keeps the connection; the other carries out wishes, one at a time and each with a
deadline, so that a daemon that hangs has at most one call of ours to answer. Idle, both sleep on what the bus sends.
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
    answer_of,
    ask_bus,
    call,
    connected_bus,
    disconnected,
    session_bus_address,
    unanswered,
)
from trayalert.domain.notification import Notice, Show, Wish, Withdraw
from trayalert.ui.notifications.dbus_message import NOTIFY_SIGNATURE, Daemon, further_key, notify_arguments
from trayalert.ui.notifications.notifier import Standing, WishQueue

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"

NO_BUS = "No session bus: tray and window carry all alerts, without desktop notifications."
NO_DAEMON = "No notification daemon: tray and window carry all alerts."
HANGS = "The notification daemon does not answer: tray and window carry all alerts."
REFUSES = "The notification daemon refuses notifications: look at tray and window."

_OWNER_RULE = f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{NAME}'"
_DAEMON_RULE = f"type='signal',sender='{NAME}',interface='{NAME}',path='{PATH}'"

_ABSENT_ERRORS = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.TimedOut",
    "org.freedesktop.DBus.Error.Spawn",  # begins the names of a dozen ways in which starting it fails
    "org.freedesktop.systemd1.",
)
_MOST_TRIES = 3
_LAST_ANSWER = 2.0
"""Seconds in which a busy daemon may still answer at the end: what it shows later would stay, with dead buttons."""
_LAST_ANSWER_OF_HANGING = 0.5

logger = logging.getLogger(__name__)


class _UnansweredError(Exception):
    """The daemon has not answered for so long that the call is given up."""


class DbusNotifier:
    """A Notifier (see `notifier.py`). `on_click` gets the tag of a notification whose action was taken.

    It also gets the key of the `further` button that was taken, else an empty text.
    Lengths of time are in seconds; `address` is the session bus, by default where libdbus would look for it.
    """

    def __init__(
        self,
        *,
        on_click: Callable[[str, str], None],
        on_change: Callable[[], None],
        address: str | None = None,
        answer_within: float = 5.0,
        retry_after: float = 60.0,
        refused_pause: float = 2.0,
    ) -> None:
        self._on_click = on_click
        self._address = address
        self._answer_within = answer_within
        self._retry_after = retry_after
        self._refused_pause = refused_pause
        self._standing = Standing(on_change)
        self._bus: MessageBus | None = None
        self._owner: str | None = None
        self._activatable = False
        self._daemon: Daemon | None = None
        self._ids: dict[str, int] = {}
        self._farewells: set[str] = set()
        self._queue = WishQueue()
        self._under_way: str | None = None
        self._tries = 0
        self._stopping = False
        self._work = asyncio.Event()
        self._tried = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def available(self) -> bool:
        """Whether a notice would be shown now."""
        return self._standing.available

    @property
    def problem(self) -> str | None:
        """A sentence about what is wrong, None when nothing is."""
        return self._standing.problem

    async def start(self) -> None:
        """Connect to the bus, or find that there is none; from now on notices are taken."""
        self._tasks = [_started(self._keep_connected()), _started(self._carry_out_all())]
        await self._tried.wait()

    def show(self, notice: Notice) -> None:
        """Show it in place of an earlier one with its tag, as soon as that can be."""
        self._farewells.discard(notice.tag)
        self._queue.put(Show(notice))
        self._work.set()

    def withdraw(self, tag: str, farewell: Notice | None = None) -> None:
        """Take away what is shown with that tag, after a short farewell where one is given."""
        if farewell is None and tag not in self._ids and tag != self._under_way:
            self._queue.drop(tag)
            return
        self._queue.put(Withdraw(tag, farewell))
        self._work.set()

    async def stop(self) -> None:
        """Take away all that is shown, as clicking it would do nothing, and end."""
        self._stopping = True
        self._work.set()
        if self._tasks:
            hangs = self._standing.problem == HANGS
            # for the number of what is just being shown
            await asyncio.wait(self._tasks[1:], timeout=_LAST_ANSWER_OF_HANGING if hangs else _LAST_ANSWER)
        for tag in list(self._ids):
            self._close(tag)
        for task in self._tasks:
            task.cancel()
        ends = list(self._tasks)
        if self._bus is not None:
            self._bus.disconnect()
            ends.append(asyncio.ensure_future(disconnected(self._bus)))
        if ends:
            await asyncio.wait(ends, timeout=0.5)

    # The connection

    async def _keep_connected(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._answer_within):
                    bus = await self._connect()
            except BUS_FAULTS as fault:
                logger.debug("no session bus: %s", fault)
            else:
                self._tried.set()
                await disconnected(bus)
            self._bus, self._activatable = None, False
            self._set_owner(None)
            self._standing.become(available=False, problem=NO_BUS)
            self._tried.set()
            await asyncio.sleep(self._retry_after)

    async def _connect(self) -> MessageBus:
        address = self._address or session_bus_address()
        if address is None:
            raise FileNotFoundError("nothing says where the session bus is")
        bus = await connected_bus(address, self._on_signal, _OWNER_RULE, _DAEMON_RULE)
        (startable,) = answer_of(await bus.call(ask_bus("ListActivatableNames")))
        (owned,) = answer_of(await bus.call(ask_bus("NameHasOwner", "s", NAME)))
        (owner,) = answer_of(await bus.call(ask_bus("GetNameOwner", "s", NAME))) if owned else (None,)
        self._bus, self._activatable = bus, NAME in startable
        self._set_owner(owner)
        return bus

    def _on_signal(self, message: Message) -> None:
        match (message.member, message.body):
            case ("NameOwnerChanged", [str(name), str(), str(new)]) if name == NAME:
                self._set_owner(new or None)
            case ("NotificationClosed", [int(number), int()]) if message.sender == self._owner:
                self._ids = {tag: known for tag, known in self._ids.items() if known != number}
            case ("ActionInvoked", [int(number), str(action)]) if message.sender == self._owner:
                tag = next((tag for tag, known in self._ids.items() if known == number), None)
                if tag is not None:  # later, as what it does must not run inside the bus's reader
                    asyncio.get_running_loop().call_soon(self._on_click, tag, further_key(action))

    def _set_owner(self, owner: str | None) -> None:
        self._owner = owner
        self._daemon = None
        self._ids.clear()  # numbers of one daemon's life mean nothing to the next
        self._farewells.clear()
        if self._bus is not None:
            there = owner is not None or self._activatable
            self._standing.become(available=there, problem=None if there else NO_DAEMON)
            self._work.set()

    # Carrying out

    async def _carry_out_all(self) -> None:
        while not self._stopping:
            await self._work.wait()
            self._work.clear()
            while self._queue and (bus := self._reachable_bus) and not self._stopping:
                wish = self._queue.take()
                self._under_way = wish.tag
                try:
                    await self._carry_out(bus, wish)
                    self._tries = 0
                except _UnansweredError:
                    self._queue.put_back(wish)
                except DBusError as fault:
                    await self._bear(fault, wish)
                except BUS_FAULTS:
                    self._queue.put_back(wish)
                    self._bus = None  # the other task hears of it and connects again
                finally:
                    self._under_way = None

    @property
    def _reachable_bus(self) -> MessageBus | None:
        there = self._owner is not None or self._activatable
        return self._bus if there and self._bus is not None and self._bus.connected else None

    async def _carry_out(self, bus: MessageBus, wish: Wish) -> None:
        match wish:
            case Show(notice=notice):
                if not notice.quiet or notice.tag in self._ids:
                    await self._notify(bus, notice)
            case Withdraw(tag=tag, farewell=None):
                self._close(tag)
            case Withdraw(tag=tag, farewell=Notice() as notice):
                await self._notify(bus, notice)
                self._farewells.add(tag)
                # some daemons do not heed the time that a notification asks for
                asyncio.get_running_loop().call_later((notice.lasts or 5_000) / 1000, self._end_farewell, tag)

    async def _notify(self, bus: MessageBus, notice: Notice) -> None:
        if self._daemon is None:
            capabilities = answer_of(await self._answered(bus, call(NAME, PATH, "GetCapabilities")))[0]
            name = answer_of(await self._answered(bus, call(NAME, PATH, "GetServerInformation")))[0]
            self._daemon = Daemon(name, frozenset(capabilities))
        arguments = notify_arguments(notice, self._daemon, replaces=self._ids.get(notice.tag, 0))
        reply = await self._answered(bus, call(NAME, PATH, "Notify", NOTIFY_SIGNATURE, *arguments))
        (number,) = answer_of(reply)
        self._standing.become(available=True)
        if reply is not None and reply.sender == self._owner:  # else it died since
            self._ids[notice.tag] = number

    async def _answered(self, bus: MessageBus, message: Message) -> Message | None:
        """Wait for the answer to a call; raise _UnansweredError when the daemon has been hanging for long."""
        asked = asyncio.ensure_future(bus.call(message))
        asked.add_done_callback(_let_fail)  # where quitting stops us from waiting for it
        done, _ = await asyncio.wait({asked}, timeout=self._answer_within)
        if not done:
            self._standing.become(available=False, problem=HANGS)
            # no second call until this one is answered: they would only pile up at its door
            done, _ = await asyncio.wait({asked}, timeout=self._retry_after)
        if not done:
            asked.add_done_callback(self._close_late)
            raise _UnansweredError
        if not self._standing.available and self._owner is not None:
            self._standing.become(available=True)
        return asked.result()

    def _close_late(self, asked: "asyncio.Future[Message]") -> None:
        """Close what a given-up call has shown at last: its wish was carried out anew."""
        reply: Message | None = None if asked.cancelled() or asked.exception() else asked.result()
        if reply is not None and reply.signature == "u" and reply.sender == self._owner:
            self._send_close(reply.body[0])

    async def _bear(self, fault: DBusError, wish: Wish) -> None:
        logger.debug("the notification daemon: %s", fault)
        if fault.type.startswith(_ABSENT_ERRORS):
            self._activatable = False  # until one comes by itself
            self._queue.put_back(wish)
            if self._owner is None:
                self._standing.become(available=False, problem=NO_DAEMON)
            return
        self._tries += 1
        if self._tries < _MOST_TRIES:
            self._queue.put_back(wish)
            await asyncio.sleep(self._refused_pause)  # a daemon that was told too much at once wants a rest
            return
        self._tries = 0
        self._standing.become(available=self._standing.available, problem=REFUSES)

    def _end_farewell(self, tag: str) -> None:
        if tag in self._farewells:
            self._farewells.discard(tag)
            self._close(tag)

    def _close(self, tag: str) -> None:
        number = self._ids.pop(tag, None)
        if number is not None:
            self._send_close(number)

    def _send_close(self, number: int) -> None:
        if self._bus is not None and self._bus.connected:
            sent = self._bus.send(unanswered(call(NAME, PATH, "CloseNotification", "u", number)))
            sent.add_done_callback(_let_fail)


def _let_fail(work: "asyncio.Future[Any]") -> None:
    """Keep the loop from crying that nobody asked how it went."""
    if not work.cancelled():
        work.exception()


def _started(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    task = asyncio.ensure_future(work)
    task.add_done_callback(_tell_bug)
    return task


def _tell_bug(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (bug := task.exception()) is not None:
        logger.error("desktop notifications ended by a bug", exc_info=bug)
