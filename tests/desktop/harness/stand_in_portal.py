"""A script that runs a desktop portal with a single setting: whether the desktop is dark.

The portal owns org.freedesktop.portal.Desktop on the session bus, and implements org.freedesktop.portal.Settings. The
commands `dark`, `light` and `any` on stdin change the setting. After each change, the portal sends the same signal that
a real desktop sends.
"""

import asyncio
import sys
from typing import Annotated

from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusSignature, DBusStr, DBusUInt32, DBusVariant
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

NAME = "org.freedesktop.portal.Desktop"
NAMESPACE, KEY = "org.freedesktop.appearance", "color-scheme"
SCHEMES = {"any": 0, "dark": 1, "light": 2}

Namespaces = Annotated[list[str], DBusSignature("as")]
Settings = Annotated[dict[str, dict[str, Variant]], DBusSignature("a{sa{sv}}")]
Changed = Annotated[tuple[str, str, Variant], DBusSignature("ssv")]


class StandInSettings(ServiceInterface):
    """The D-Bus interface that the portal's documentation defines."""

    def __init__(self, scheme: str) -> None:
        super().__init__("org.freedesktop.portal.Settings")
        self._scheme = scheme

    @property
    def _value(self) -> Variant:
        return Variant("u", SCHEMES[self._scheme])

    @dbus_method()
    def ReadAll(self, namespaces: Namespaces) -> Settings:  # noqa: N802  # the D-Bus interface names the method
        return {NAMESPACE: {KEY: self._value}}

    @dbus_method()
    def Read(self, namespace: DBusStr, key: DBusStr) -> DBusVariant:  # noqa: N802
        # a variant within a variant: the documentation calls this a mistake, which is kept for compatibility
        return Variant("v", self._one(namespace, key))

    @dbus_method()
    def ReadOne(self, namespace: DBusStr, key: DBusStr) -> DBusVariant:  # noqa: N802
        return self._one(namespace, key)

    def _one(self, namespace: str, key: str) -> Variant:
        if (namespace, key) != (NAMESPACE, KEY):
            raise DBusError("org.freedesktop.portal.Error.NotFound", "Requested setting not found")
        return self._value

    @dbus_signal()
    def SettingChanged(self, scheme: str) -> Changed:  # noqa: N802
        self._scheme = scheme
        return (NAMESPACE, KEY, self._value)

    @dbus_property(access=PropertyAccess.READ)
    def version(self) -> DBusUInt32:
        return 2


async def _serve(scheme: str) -> None:
    bus = await MessageBus().connect()
    settings = StandInSettings(scheme)
    bus.export("/org/freedesktop/portal/desktop", settings)
    await bus.request_name(NAME)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        settings.SettingChanged(line.decode().strip())
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
