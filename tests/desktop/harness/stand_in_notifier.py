"""A notification daemon that shows nothing. It records its calls, and can fail in the ways in which real daemons fail.

The daemon owns org.freedesktop.Notifications on the session bus. For each call, it prints a JSON line with the time in
nanoseconds of CLOCK_MONOTONIC, a clock that all processes share. The daemon reads commands from stdin:

- `mute`: leave all Notify calls unanswered from now on.
- `reject`: answer each Notify call with an error.
- `answer`: work normally again, and answer the calls that were left unanswered.
- `action ID KEY`, `close ID REASON`: send the signal `ActionInvoked` or `NotificationClosed`.

The script imports nothing from the tests, so that a bus can start it. `stand_in.py` starts the script for a test, and
reads the lines that it prints.
"""

import argparse
import asyncio
import json
import sys
import time
from typing import Annotated, Any

from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

NAME = "org.freedesktop.Notifications"
CAPABILITIES = ("actions", "body", "body-markup", "icon-static")

Texts = Annotated[list[str], DBusSignature("as")]
Hints = Annotated[dict[str, Variant], DBusSignature("a{sv}")]
Server = Annotated[tuple[str, str, str, str], DBusSignature("ssss")]
Happened = Annotated[list[int], DBusSignature("uu")]
Invoked = Annotated[tuple[int, str], DBusSignature("us")]


class StandInNotifications(ServiceInterface):
    """The D-Bus interface that the Desktop Notifications Specification defines."""

    def __init__(self, capabilities: tuple[str, ...], server: str) -> None:
        super().__init__(NAME)
        self._capabilities = capabilities
        self._server = server
        self._last = 0
        self.rejecting = False
        self.answering = asyncio.Event()
        self.answering.set()

    @dbus_method()
    def GetCapabilities(self) -> Texts:  # noqa: N802  # the D-Bus interface names the method
        return list(self._capabilities)

    @dbus_method()
    def GetServerInformation(self) -> Server:  # noqa: N802
        return (self._server, "trayalert", "1", "1.2")

    @dbus_method()
    async def Notify(  # noqa: N802, PLR0917
        self,
        app: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        title: DBusStr,
        body: DBusStr,
        actions: Texts,
        hints: Hints,
        lasts: DBusInt32,
    ) -> DBusUInt32:
        at = time.monotonic_ns()
        shown = {name: hint.value for name, hint in hints.items() if name != "image-data"}
        image = hints["image-data"].value if "image-data" in hints else None
        number = 0 if self.rejecting else replaces or self._last + 1
        self._last = max(self._last, number)
        _write(
            "Notify", at=at, id=number, app=app, replaces=replaces, title=title, body=body, actions=actions,
            hints=shown, image=image and [*image[:6], len(image[6])], lasts=lasts,
        )  # fmt: skip
        if self.rejecting:
            raise DBusError(f"{NAME}.Error.ExcessNotificationGeneration", "Created too many notifications")
        await self.answering.wait()
        return number

    @dbus_method()
    def CloseNotification(self, number: DBusUInt32) -> None:  # noqa: N802
        _write("CloseNotification", at=time.monotonic_ns(), id=number)
        self.NotificationClosed(number, 3)

    @dbus_signal()
    def NotificationClosed(self, number: int, reason: int) -> Happened:  # noqa: N802
        return [number, reason]

    @dbus_signal()
    def ActionInvoked(self, number: int, key: str) -> Invoked:  # noqa: N802
        return (number, key)

    def obey(self, command: str) -> None:
        match command.split():
            case ["mute"]:
                self.answering.clear()
            case ["reject"]:
                self.rejecting = True
            case ["answer"]:
                self.rejecting = False
                self.answering.set()
            case ["action", number, key]:
                self.ActionInvoked(int(number), key)
            case ["close", number, reason]:
                self.NotificationClosed(int(number), int(reason))
        _write("obeyed", command=command)


def _write(call: str, **what: Any) -> None:
    print(json.dumps({"call": call, **what}, ensure_ascii=True), flush=True)


async def _serve(capabilities: tuple[str, ...], server: str) -> None:
    bus = await MessageBus().connect()
    notifications = StandInNotifications(capabilities, server)
    bus.export("/org/freedesktop/Notifications", notifications)
    await bus.request_name(NAME)
    _write("ready")
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        notifications.obey(line.decode().strip())
    # if stdin ends, for example because the bus has started this script, run until a signal ends the process
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--capabilities", default=",".join(CAPABILITIES))
    parser.add_argument("--server", default="stand-in")
    arguments = parser.parse_args()
    asyncio.run(_serve(tuple(arguments.capabilities.split(",")), arguments.server))
