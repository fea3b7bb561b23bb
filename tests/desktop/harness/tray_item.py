"""The tray item as a panel sees it: a StatusNotifierItem with picture, tooltip and a com.canonical.dbusmenu menu.

Reading a property always asks the program over the bus, so the value is never out of date.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

_ITEM = "org.kde.StatusNotifierItem"
_MENU = "com.canonical.dbusmenu"


@dataclass(frozen=True, slots=True)
class Entry:
    """A menu entry. `words` is its label, and `number` its id in the menu."""

    number: int
    words: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class TrayItem:
    """A tray item on the bus at `address`. `name` is the name by which the tray knows the item: `service/path`."""

    address: str
    name: str

    @property
    def picture(self) -> str:
        """A hash of the icon's pixels. Different pictures have different hashes."""
        pixmaps = self._property("IconPixmap")
        return hashlib.sha256(b"".join(pixels for _width, _height, pixels in pixmaps)).hexdigest()[:12]

    @property
    def tooltip(self) -> str:
        """The title and the text of the tooltip."""
        _icon, _pixmaps, title, text = self._property("ToolTip")
        return "\n".join(part for part in (title, text) if part)

    @property
    def menu(self) -> list[Entry]:
        """The visible menu entries, without separators."""
        path = self._property("Menu")
        _revision, layout = self._ask(path, _MENU, "GetLayout", "iias", 0, -1, [])
        return list(_entries(layout))

    def choose(self, words: str) -> None:
        """Click on the menu entry whose label is `words`."""
        number = next(entry.number for entry in self.menu if entry.words == words)
        self._ask(self._property("Menu"), _MENU, "Event", "isvu", number, "clicked", Variant("s", ""), 0)

    def click(self) -> None:
        """Click on the tray item itself."""
        self._ask(self._path, _ITEM, "Activate", "ii", 0, 0)

    @property
    def _path(self) -> str:
        return "/" + self.name.partition("/")[2]

    def _property(self, name: str) -> Any:
        (value,) = self._ask(self._path, "org.freedesktop.DBus.Properties", "Get", "ss", _ITEM, name)
        return value.value

    def _ask(self, path: str, interface: str, member: str, signature: str, *body: Any) -> list[Any]:
        call = Message(
            destination=self.name.partition("/")[0],
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        return asyncio.run(asyncio.wait_for(_call(self.address, call), 5))


async def _call(address: str, call: Message) -> list[Any]:
    bus = await MessageBus(bus_address=address).connect()
    try:
        reply = await bus.call(call)
    finally:
        bus.disconnect()
    assert reply is not None
    assert reply.message_type is MessageType.METHOD_RETURN, reply.body
    return list(reply.body)


def _entries(layout: list[Any]) -> Iterator[Entry]:
    number, properties, children = layout
    values = {name: value.value for name, value in properties.items()}
    if values.get("label") and values.get("visible", True):
        words = values["label"].replace("__", "\0").replace("_", "").replace("\0", "_")
        yield Entry(number, words, values.get("enabled", True))
    for child in children:
        yield from _entries(child.value)
