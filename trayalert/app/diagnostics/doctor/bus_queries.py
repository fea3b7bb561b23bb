"""Questions to the D-Bus session bus, each over a connection of its own: what hangs keeps no other answer back.

Its rule: it asks only who is there already. A call to a service that does not run would start it.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusError, InvalidAddressError, InvalidMessageError

from trayalert.domain.fault import Fault
from trayalert.domain.text import printable

_PATIENCE = 4.0
"""Seconds."""

_DBUS = "org.freedesktop.DBus"
_Answer = TypeVar("_Answer")


class BusFault(Fault):
    """The session bus, or who was asked over it, does not answer."""


def bus_address() -> str | None:
    """Return where the session bus should be, as libdbus finds it; None where there is none."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if address or not runtime or not Path(runtime, "bus").exists():
        return address or None
    return f"unix:path={runtime}/bus"


def query_bus(query: "Callable[[BusConnection], Awaitable[_Answer]]") -> _Answer:
    """Connect, ask and return the answer. Raise BusFault."""
    address = bus_address()
    if address is None:
        raise BusFault("there is no session bus (DBUS_SESSION_BUS_ADDRESS is not set).")

    async def run_query() -> _Answer:
        bus = MessageBus(bus_address=address)
        try:
            async with asyncio.timeout(_PATIENCE):
                await bus.connect()
                return await query(BusConnection(bus))
        finally:
            bus.disconnect()

    try:
        return asyncio.run(run_query())
    except TimeoutError as error:
        raise BusFault(f"there was no answer over the session bus within {_PATIENCE:g} s.") from error
    except (OSError, EOFError, AuthError, DBusError, InvalidAddressError, InvalidMessageError) as error:
        raise BusFault(
            f"the session bus {printable(address)} cannot be asked: {printable(str(error)) or repr(error)}."
        ) from error


class BusConnection:
    """An open connection."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def call(self, name: str, path: str, member: str, *body: str, interface: str | None = None) -> list[Any]:
        """Call a method that takes only texts. Raise DBusError."""
        reply = await self._bus.call(
            Message(
                destination=name,
                path=path,
                interface=interface or name,
                member=member,
                signature="s" * len(body),
                body=list(body),
            )
        )
        if reply is None:
            raise EOFError("the session bus went away")
        if reply.message_type is MessageType.ERROR:
            raise DBusError(reply.error_name or "", str(reply.body[0]) if reply.body else "", reply)
        return list(reply.body)

    async def has_owner(self, name: str) -> bool:
        """Whether somebody has that name."""
        return bool((await self.call(_DBUS, "/org/freedesktop/DBus", "NameHasOwner", name))[0])

    async def is_activatable(self, name: str) -> bool:
        """Whether the bus would start somebody of that name."""
        return name in (await self.call(_DBUS, "/org/freedesktop/DBus", "ListActivatableNames"))[0]
