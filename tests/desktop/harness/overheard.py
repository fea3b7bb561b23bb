"""Records the calls that programs send to the real notification daemon, and never calls the daemon itself."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

_NOTIFICATIONS = "interface='org.freedesktop.Notifications',eavesdrop='true'"


@dataclass(frozen=True, slots=True)
class NotifyCall:
    """One Notify call. `urgency` is 0 (low), 1 (normal) or 2 (critical). `words` contains the title and the body."""

    replaces: int
    title: str
    body: str
    actions: tuple[str, ...]
    urgency: int

    @property
    def words(self) -> str:
        return f"{self.title}\n{self.body}"


class Overheard:
    """Records all Notify calls on the bus at the given address, in their order, until `close` is called."""

    def __init__(self, address: str) -> None:
        self.notified: list[NotifyCall] = []
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="overheard", daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def titles(self) -> list[str]:
        return [call.title for call in self.notified]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        bus = await MessageBus(bus_address=self._address).connect()
        bus.add_message_handler(self._on_message)
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[_NOTIFICATIONS],
            )
        )
        self._ready.set()
        await self._ending.wait()
        bus.disconnect()

    def _on_message(self, message: Message) -> bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        if message.member == "Notify":
            self.notified.append(_notify_call(*message.body))
        return True  # True stops dbus-fast from answering the call, which only the daemon must answer


def _notify_call(
    _app: str, replaces: int, _icon: str, title: str, body: str, actions: list[str], *rest: Any
) -> NotifyCall:
    return NotifyCall(replaces, title, body, tuple(actions), rest[0]["urgency"].value)
