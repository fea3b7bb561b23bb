"""A D-Bus client for notifications, sleep and the doctor. Its rule: it decides nothing.

It lies beside the layers, as both `ui/` and `app/` use it; no lower layer may.
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
"""Faults of the world: no bus, a bus that went away, an address that cannot be read."""

BUS_NAME = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"


def session_bus_address() -> str | None:
    """Return the address of the session bus, as libdbus finds it; None if there is none."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    if address:
        return address
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return f"unix:path={runtime}/bus" if runtime and Path(runtime, "bus").exists() else None


def method_call(
    destination: str, path: str, member: str, signature: str = "", *body: Any, interface: str | None = None
) -> Message:
    """Make a call of a method. The interface is named like the destination by default."""
    return Message(
        destination=destination,
        path=path,
        interface=interface or destination,
        member=member,
        signature=signature,
        body=list(body),
    )


def bus_call(member: str, signature: str = "", *body: Any) -> Message:
    """Make a call to the bus itself."""
    return method_call(BUS_NAME, _BUS_PATH, member, signature, *body)


def without_reply(message: Message) -> Message:
    """Turn a call into one without a reply."""
    message.flags = MessageFlag.NO_REPLY_EXPECTED
    return message


async def connect_bus(address: str, on_signal: Callable[[Message], None], *rules: str) -> MessageBus:
    """Connect and subscribe to the signals of the match rules. Raise one of BUS_FAULTS.

    `on_signal` gets every signal, in its order among the replies.
    """
    bus = MessageBus(bus_address=address, auth_timeout=5.0)

    def on_message(message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            on_signal(message)

    try:
        await bus.connect()
        bus.add_message_handler(on_message)
        for rule in rules:
            await call(bus, bus_call("AddMatch", "s", rule))
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
        disconnection.exception()  # the reason does not matter


async def call(bus: MessageBus, message: Message) -> list[Any]:
    """Call a method and return the reply's body. Raise one of BUS_FAULTS."""
    return reply_body(await bus.call(message))


async def has_owner(bus: MessageBus, name: str) -> bool:
    """Whether a program owns that name now. A call to a name without an owner may start a program."""
    return bool((await call(bus, bus_call("NameHasOwner", "s", name)))[0])


async def is_activatable(bus: MessageBus, name: str) -> bool:
    """Whether the bus would start a program for that name."""
    return name in (await call(bus, bus_call("ListActivatableNames")))[0]


def reply_body(reply: Message | None) -> list[Any]:
    """Return the reply's body. Raise DBusError for an error, EOFError if the bus has gone away."""
    if reply is None:
        raise EOFError("the session bus went away")
    if reply.message_type is MessageType.ERROR:
        text = str(reply.body[0]) if reply.body else ""
        raise DBusError(reply.error_name or "", text, reply)
    return list(reply.body)
