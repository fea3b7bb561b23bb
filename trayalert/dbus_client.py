"""One connection to a D-Bus bus, as small as notifier and wake need it. Its rule: it decides nothing.

It lies beside the floors, as both `ui/` and `app/` use it; nothing below them may.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from dbus_fast import Message, MessageFlag, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusError, InvalidAddressError, InvalidMessageError

BUS_FAULTS = (OSError, EOFError, AuthError, DBusError, InvalidAddressError, InvalidMessageError)
"""The world's faults: no bus, a bus that went, an address that nobody can read."""

BUS_NAME = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"


def session_bus_address() -> str | None:
    """Return where the session bus should be, as libdbus finds it; None where there is none."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    if address:
        return address
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return f"unix:path={runtime}/bus" if runtime and Path(runtime, "bus").exists() else None


def method_call(destination: str, path: str, member: str, signature: str = "", *body: Any) -> Message:
    """Make a call of a method whose interface is named like its destination."""
    return Message(
        destination=destination,
        path=path,
        interface=destination,
        member=member,
        signature=signature,
        body=list(body),
    )


def bus_call(member: str, signature: str = "", *body: Any) -> Message:
    """Make a call to the bus itself."""
    return method_call(BUS_NAME, _BUS_PATH, member, signature, *body)


def without_reply(message: Message) -> Message:
    """Turn a call into one that wants no answer."""
    message.flags = MessageFlag.NO_REPLY_EXPECTED
    return message


async def connect_bus(address: str, on_signal: Callable[[Message], None], *rules: str) -> MessageBus:
    """Connect and ask for the signals of the match rules. Raises one of BUS_FAULTS.

    `on_signal` hears every signal that comes, in its order among the answers.
    """
    bus = MessageBus(bus_address=address, auth_timeout=5.0)

    def on_message(message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            on_signal(message)

    await bus.connect()
    try:
        bus.add_message_handler(on_message)
        for rule in rules:
            reply_body(await bus.call(bus_call("AddMatch", "s", rule)))
    except BaseException:
        bus.disconnect()
        raise
    return bus


async def wait_disconnected(bus: MessageBus) -> None:
    """Wait until the connection is gone, for whatever reason."""
    waiting: Coroutine[Any, Any, None] = bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
    disconnection = asyncio.ensure_future(waiting)
    await asyncio.wait({disconnection})
    if not disconnection.cancelled():
        disconnection.exception()  # why is not asked


def reply_body(reply: Message | None) -> list[Any]:
    """Return what a call brought. Raises DBusError where it is an error, EOFError where the bus went meanwhile."""
    if reply is None:
        raise EOFError("the bus went away")
    if reply.message_type is MessageType.ERROR:
        text = str(reply.body[0]) if reply.body else ""
        raise DBusError(reply.error_name or "", text, reply)
    return list(reply.body)
