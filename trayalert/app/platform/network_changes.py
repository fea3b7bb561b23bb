"""Tells when the network has changed: an address, the way out, a link. On Linux the kernel says so.

Its rule: no news costs nothing. What is only said again (a router that renews what it gave) is no change.
"""

import asyncio
import contextlib
import errno
import socket
import struct
import sys
from collections.abc import Callable, Iterator

from trayalert.services.reachability.lookup import own_addresses

SETTLES = 1.0
"""Seconds that a change is given to be whole: a network that comes brings several."""

LOOKS = 30.0
"""Seconds between two looks where nobody says."""

_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400  # links, and addresses and routes of IPv4 and IPv6
_HEAD = struct.Struct("=IHHII")
_LINK, _NO_LINK, _ADDRESS, _NO_ADDRESS, _ROUTE, _NO_ROUTE = 16, 17, 20, 21, 24, 25
_LINK_HEAD = struct.Struct("=BxHiII")
_IDENTIFYING = {_ADDRESS: (8, {1, 2}), _ROUTE: (12, {1, 4, 5, 6, 15})}
"""Length of the fixed part, and the attributes that tell one from another; all else, such as lifetimes, may change."""


async def watch_network(changed: Callable[[], None]) -> None:
    """Call `changed` a moment after each change, for ever."""
    listening = _netlink()
    if listening is not None:
        with listening, contextlib.suppress(OSError):
            await watch_netlink(listening, changed)
    await poll_addresses(changed)


def _netlink() -> socket.socket | None:
    if sys.platform != "linux":
        return None
    listening = None
    try:
        listening = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        listening.bind((0, _GROUPS))
    except OSError:  # a sandbox may refuse it
        if listening is not None:
            listening.close()
        return None
    return listening


async def poll_addresses(changed: Callable[[], None]) -> None:
    """Look at the computer's own addresses now and then."""
    before = own_addresses()
    while True:
        await asyncio.sleep(LOOKS)
        now = own_addresses()
        if now != before:
            changed()
        before = now


async def watch_netlink(listening: socket.socket, changed: Callable[[], None]) -> None:
    """Hear on a netlink socket, which does not block. Raise OSError where that fails."""
    state = NetlinkState()
    while True:
        if not state.update(await _receive(listening)):
            continue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLES):
                while True:
                    state.update(await _receive(listening))
        changed()


async def _receive(listening: socket.socket) -> bytes | None:
    """Return the next messages; None: there were more than the kernel could keep for us."""
    try:
        return await asyncio.get_running_loop().sock_recv(listening, 65536)
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        return None


class NetlinkState:
    """The addresses and default routes that the kernel has spoken of."""

    def __init__(self) -> None:
        self._present: set[bytes] = set()

    def update(self, messages: bytes | None) -> bool:
        """Whether something is another now."""
        changes = [self._apply(kind, content) for kind, content in _parse(messages or b"")]  # all are to be known
        return messages is None or any(changes)

    def _apply(self, kind: int, content: bytes) -> bool:
        if kind in {_LINK, _NO_LINK}:
            # the last field says which flags have changed; a radio tells of its noise with none
            return kind == _NO_LINK or len(content) < _LINK_HEAD.size or _LINK_HEAD.unpack_from(content)[4] != 0
        if kind in {_ROUTE, _NO_ROUTE} and content[1:2] != b"\0":
            return False  # no way out: one for a part of the net, which has a length
        if kind in {_ADDRESS, _ROUTE}:
            identity = _identity(kind, content)
            new = identity not in self._present
            self._present.add(identity)
            return new
        if kind in {_NO_ADDRESS, _NO_ROUTE}:
            self._present.discard(_identity(kind - 1, content))
            return True
        return False


def _parse(messages: bytes) -> Iterator[tuple[int, bytes]]:
    while len(messages) >= _HEAD.size:
        length, kind, *_ = _HEAD.unpack_from(messages)
        if length < _HEAD.size:
            return
        yield kind, messages[_HEAD.size : length]
        messages = messages[(length + 3) & ~3 :]


def _identity(kind: int, content: bytes) -> bytes:
    """Return what tells this address or route from others: family, length, index, and some attributes."""
    fixed, identifying = _IDENTIFYING[kind]
    family_and_length = content[:2]
    found = [bytes([kind]), family_and_length, content[4:8] if kind == _ADDRESS else b""]
    rest = content[fixed:]
    while len(rest) >= 4:
        length, attribute = struct.unpack_from("=HH", rest)
        if length < 4:
            break
        if attribute in identifying:
            found.append(rest[:length])
        rest = rest[(length + 3) & ~3 :]
    return b"".join(found)
