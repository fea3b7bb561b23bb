"""A D-Bus client for notifications, sleep detection and the doctor.

The module only carries messages and makes no decisions. Both `ui/` and `app/` import the module, so it belongs to
neither of them. No lower layer may import the module.
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
"""Exceptions with an external cause: no bus is there, the bus went away, or its address cannot be parsed."""

BUS_NAME = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"


def session_bus_address() -> str | None:
    """Return the address of the session bus, or None if there is no session bus.

    The lookup follows libdbus: first DBUS_SESSION_BUS_ADDRESS, then the socket `bus` in XDG_RUNTIME_DIR.
    """
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    if address:
        return address
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return f"unix:path={runtime}/bus" if runtime and Path(runtime, "bus").exists() else None


def method_call(
    destination: str, path: str, member: str, signature: str = "", *body: Any, interface: str | None = None
) -> Message:
    """Make the message of a method call. By default the interface has the same name as the destination."""
    return Message(
        destination=destination,
        path=path,
        interface=interface or destination,
        member=member,
        signature=signature,
        body=list(body),
    )


def bus_call(member: str, signature: str = "", *body: Any) -> Message:
    """Make the message of a method call to the bus itself (org.freedesktop.DBus)."""
    return method_call(BUS_NAME, _BUS_PATH, member, signature, *body)


def without_reply(message: Message) -> Message:
    """Mark a method call so that the recipient sends no reply. Return the same message."""
    message.flags = MessageFlag.NO_REPLY_EXPECTED
    return message


async def connect_bus(address: str, on_signal: Callable[[Message], None], *rules: str) -> MessageBus:
    """Connect to a bus and subscribe to the signals that the match rules select. Raise one of BUS_FAULTS.

    `on_signal` is called with each signal. Signals and replies are handled in the order in which the bus sent them.
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
    """Wait until the connection is closed. Raise nothing, for whatever reason the connection was closed."""
    waiting: Coroutine[Any, Any, None] = bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
    disconnection = asyncio.ensure_future(waiting)
    await asyncio.wait({disconnection})
    if not disconnection.cancelled():
        disconnection.exception()  # marks the exception as retrieved, so that asyncio does not log it


async def call(bus: MessageBus, message: Message) -> list[Any]:
    """Send a method call and return the body of its reply. Raise one of BUS_FAULTS."""
    return reply_body(await bus.call(message))


async def has_owner(bus: MessageBus, name: str) -> bool:
    """Return whether a program owns a bus name now. Raise one of BUS_FAULTS.

    Check first where no program may be started: the bus may start one for a call to a name that has no owner.
    """
    return bool((await call(bus, bus_call("NameHasOwner", "s", name)))[0])


async def is_activatable(bus: MessageBus, name: str) -> bool:
    """Return whether the bus can start a program that owns a bus name. Raise one of BUS_FAULTS."""
    return name in (await call(bus, bus_call("ListActivatableNames")))[0]


def reply_body(reply: Message | None) -> list[Any]:
    """Return the body of a reply. Raise DBusError if the reply is an error, EOFError if there is no reply (None)."""
    if reply is None:
        raise EOFError("the session bus went away")
    if reply.message_type is MessageType.ERROR:
        text = str(reply.body[0]) if reply.body else ""
        raise DBusError(reply.error_name or "", text, reply)
    return list(reply.body)
