"""Watches for the signals that logind sends before and after the computer sleeps. Only Linux has logind.

If the connection to the system bus fails or is lost, this module tries again later and logs nothing.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SOCKET = "/run/dbus/system_bus_socket"
_LOGIND, _PATH, _INTERFACE, _SIGNAL = (
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep",
)  # fmt: skip
_RULE = f"type='signal',sender='{_LOGIND}',path='{_PATH}',interface='{_INTERFACE}',member='{_SIGNAL}'"


async def watch_logind(
    on_sleep: Callable[[], None], on_wake: Callable[[], None], *, retry_seconds: float = 60.0
) -> None:
    """Call `on_sleep` before each sleep and `on_wake` after each sleep, until cancelled.

    `retry_seconds` is the pause before another attempt to connect to the system bus.
    """
    while True:
        if sys.platform == "linux" and (address := _address()):
            await _listen(address, on_sleep, on_wake)
        await asyncio.sleep(retry_seconds)


def _address() -> str | None:
    """Return the address of the system bus, or None if there is no system bus.

    This function does not load the D-Bus library. The caller loads the library only if there is an address.
    """
    address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or f"unix:path={_SOCKET}"
    path = address.removeprefix("unix:path=").partition(",")[0]
    return None if address.startswith("unix:path=") and not Path(path).exists() else address


async def _listen(address: str, on_sleep: Callable[[], None], on_wake: Callable[[], None]) -> None:
    """Call `on_sleep` and `on_wake` until the connection to the bus is lost. Return immediately if connecting fails."""
    # imported here, because the import takes 3 MB of memory, which a computer without a system bus can save
    from trayalert.dbus_client import BUS_FAULTS, connect_bus, wait_disconnected  # noqa: PLC0415

    def on_signal(signal: Any) -> None:
        if (signal.path, signal.interface, signal.member) == (_PATH, _INTERFACE, _SIGNAL) and signal.signature == "b":
            (on_sleep if signal.body[0] else on_wake)()

    try:
        bus = await connect_bus(address, on_signal, _RULE)
    except BUS_FAULTS:
        return
    try:
        await wait_disconnected(bus)
    finally:
        bus.disconnect()
