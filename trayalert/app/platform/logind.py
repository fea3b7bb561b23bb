"""Hears from logind that the computer goes to sleep and is back. Linux; where there is no logind, nothing is heard.

Its rule: a bus that is absent, dies or refuses is no news. It is tried again quietly.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

TRY_AGAIN = 60.0
"""Seconds."""

_SOCKET = "/run/dbus/system_bus_socket"
_LOGIND, _PATH, _INTERFACE, _SIGNAL = (
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep",
)  # fmt: skip
_RULE = f"type='signal',sender='{_LOGIND}',path='{_PATH}',interface='{_INTERFACE}',member='{_SIGNAL}'"


async def watch_logind(going: Callable[[], None], back: Callable[[], None]) -> None:
    """Call `going` before each sleep and `back` behind it, for ever."""
    while True:
        if sys.platform == "linux" and (address := _address()):
            await _hear(address, going, back)
        await asyncio.sleep(TRY_AGAIN)


def _address() -> str | None:
    """Return where the system bus should be; None where there is none, and so nothing to load its library for."""
    address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or f"unix:path={_SOCKET}"
    path = address.removeprefix("unix:path=").partition(",")[0]
    return None if address.startswith("unix:path=") and not Path(path).exists() else address


async def _hear(address: str, going: Callable[[], None], back: Callable[[], None]) -> None:
    """Hear until the bus is gone."""
    from dbus_fast import Message  # noqa: PLC0415 - 3 MB, which a computer with no bus need not have

    from trayalert.dbus_client import BUS_FAULTS, connected_bus, disconnected  # noqa: PLC0415 - likewise

    def hear(signal: Message) -> None:
        if (signal.path, signal.interface, signal.member) == (_PATH, _INTERFACE, _SIGNAL) and signal.signature == "b":
            (going if signal.body[0] else back)()

    try:
        bus = await connected_bus(address, hear, _RULE)
    except BUS_FAULTS:
        return
    try:
        await disconnected(bus)
    finally:
        bus.disconnect()
