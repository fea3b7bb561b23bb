"""A D-Bus client for notifications, sleep detection and the doctor.

This module transports messages and makes no decisions. The packages `ui/` and `app/` import this module. The layers
below `ui/` must not import this module.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from dbus_fast import Message, MessageFlag, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusError, InvalidAddressError, InvalidMessageError

from trayalert.domain.phrase import Phrase

BUS_FAULTS = (OSError, EOFError, AuthError, DBusError, InvalidAddressError, InvalidMessageError)
"""Exceptions with an external cause, such as a missing bus, a lost connection, an invalid address or an error reply."""

BUS_NAME = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"


def session_bus_address() -> str | None:
    """Return the address of the session bus, or None if there is no session bus.

    As in libdbus, DBUS_SESSION_BUS_ADDRESS takes precedence over the socket `bus` in XDG_RUNTIME_DIR.
    """
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    if address:
        return address
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return f"unix:path={runtime}/bus" if runtime and Path(runtime, "bus").exists() else None


def method_call(
    destination: str, path: str, member: str, signature: str = "", *body: Any, interface: str | None = None
) -> Message:
    """Return a method-call message. If `interface` is None, the interface has the same name as `destination`."""
    return Message(
        destination=destination,
        path=path,
        interface=interface or destination,
        member=member,
        signature=signature,
        body=list(body),
    )


def bus_call(member: str, signature: str = "", *body: Any) -> Message:
    """Return a message that calls a method of the bus itself (org.freedesktop.DBus)."""
    return method_call(BUS_NAME, _BUS_PATH, member, signature, *body)


def without_reply(message: Message) -> Message:
    """Mark a method call so that the recipient sends no reply, and return the same message."""
    message.flags = MessageFlag.NO_REPLY_EXPECTED
    return message


async def connect_bus(address: str, on_signal: Callable[[Message], None], *rules: str) -> MessageBus:
    """Connect to the bus at `address`, and subscribe to the signals that match at least one of `rules`.

    `rules` are D-Bus match rules. `on_signal` is called with each signal that arrives. Signals and replies are handled
    in the order in which the bus sent them. Raise one of BUS_FAULTS if the connection or a subscription fails.
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
    """Wait until the connection is closed. If an error has closed the connection, the error is not raised."""
    waiting: Coroutine[Any, Any, None] = bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
    disconnection = asyncio.ensure_future(waiting)
    await asyncio.wait({disconnection})
    if not disconnection.cancelled():
        disconnection.exception()  # marks the exception as retrieved, so that asyncio does not log it


async def call(bus: MessageBus, message: Message) -> list[Any]:
    """Send a method call and return the body of the reply. Raise one of BUS_FAULTS if the call fails."""
    return reply_body(await bus.call(message))


async def has_owner(bus: MessageBus, name: str) -> bool:
    """Return whether a program owns the given bus name now. Raise one of BUS_FAULTS if the call fails.

    If a message is sent to a name that has no owner, the bus may start a program that takes the name. Call this
    function first if the message must not start a program.
    """
    return bool((await call(bus, bus_call("NameHasOwner", "s", name)))[0])


async def is_activatable(bus: MessageBus, name: str) -> bool:
    """Return whether the bus can start a program that takes the given bus name.

    Raise one of BUS_FAULTS if the call fails.
    """
    return name in (await call(bus, bus_call("ListActivatableNames")))[0]


def reply_body(reply: Message | None) -> list[Any]:
    """Return the body of a reply.

    Raise DBusError if the reply is an error message. Raise EOFError if `reply` is None, that is, if the connection was
    lost.
    """
    if reply is None:
        raise EOFError(Phrase("the session bus went away"))
    if reply.message_type is MessageType.ERROR:
        text = str(reply.body[0]) if reply.body else ""
        raise DBusError(reply.error_name or "", text, reply)
    return list(reply.body)
