"""Detects network changes: addresses, default routes and links that appear or disappear.

On Linux, the kernel reports each change, and waiting for a report uses no CPU time. If the kernel cannot report
changes, the computer's addresses are looked up at intervals. A report that repeats an earlier report does not count as
a change. For example, the kernel repeats a report when a router renews an address.
"""

import asyncio
import contextlib
import errno
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trayalert.services.network_lookup import own_addresses

_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400  # multicast groups: links, IPv4 and IPv6 addresses, IPv4 and IPv6 routes
_HEAD = struct.Struct("=IHHII")
_LINK, _NO_LINK, _ADDRESS, _NO_ADDRESS, _ROUTE, _NO_ROUTE = 16, 17, 20, 21, 24, 25
_LINK_HEAD = struct.Struct("=BxHiII")
_IDENTIFYING = {_ADDRESS: (8, {1, 2}), _ROUTE: (12, {1, 4, 5, 6, 15})}
"""For each kind of message: the length of its fixed part, and the attributes that identify an address or a route.

Other attributes, such as lifetimes, can change while the address or route stays the same.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTiming:
    """The intervals of `watch_network`, in seconds."""

    settling_time: float = 1.0
    """Seconds from the first message about a change to the call of `changed`.

    A new network causes several messages, but `changed` is called only once for these messages.
    """
    poll_interval: float = 30.0
    """Seconds between two look-ups of the addresses. Used only if the kernel does not report changes."""


async def watch_network(
    changed: Callable[[], None],
    *,
    timing: NetworkTiming = NetworkTiming(),
    own_addresses: Callable[[], frozenset[str]] = own_addresses,
) -> None:
    """Call `changed` shortly after each network change, until cancelled."""
    listening = _netlink()
    if listening is not None:
        with listening, contextlib.suppress(OSError):
            await watch_netlink(listening, changed, settling_time=timing.settling_time)
    await poll_addresses(changed, interval=timing.poll_interval, own_addresses=own_addresses)


def _netlink() -> socket.socket | None:
    if sys.platform != "linux":
        return None
    listening = None
    try:
        listening = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        listening.bind((0, _GROUPS))
    except OSError:  # a sandbox may forbid netlink sockets
        if listening is not None:
            listening.close()
        return None
    return listening


async def poll_addresses(
    changed: Callable[[], None], *, interval: float, own_addresses: Callable[[], frozenset[str]]
) -> None:
    """Look up the computer's addresses every `interval` seconds, until cancelled.

    Call `changed` each time the addresses differ from those of the previous look-up.
    """
    before = own_addresses()
    while True:
        await asyncio.sleep(interval)
        now = own_addresses()
        if now != before:
            changed()
        before = now


async def watch_netlink(listening: socket.socket, changed: Callable[[], None], *, settling_time: float) -> None:
    """Read messages from a non-blocking netlink socket until cancelled, and call `changed` after each network change.

    Raise OSError if the socket fails.
    """
    state = NetlinkState()
    while True:
        if not state.update(await _receive(listening)):
            continue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settling_time):
                while True:
                    state.update(await _receive(listening))
        changed()


async def _receive(listening: socket.socket) -> bytes | None:
    """Return the kernel's next messages, or None if the kernel has dropped messages because the buffer was full."""
    try:
        return await asyncio.get_running_loop().sock_recv(listening, 65536)
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        return None


class NetlinkState:
    """The addresses and default routes that exist, according to the kernel's messages."""

    def __init__(self) -> None:
        self._present: set[bytes] = set()

    def update(self, messages: bytes | None) -> bool:
        """Apply the kernel's messages, and return whether the network has changed.

        If `messages` is None, the kernel has dropped messages, which counts as a change.
        """
        # a list, because `any` alone would stop before all messages are applied
        changes = [self._apply(kind, content) for kind, content in _parse(messages or b"")]
        return messages is None or any(changes)

    def _apply(self, kind: int, content: bytes) -> bool:
        if kind in {_LINK, _NO_LINK}:
            # the last field says which flags have changed: none if a wireless interface only reports its noise
            return kind == _NO_LINK or len(content) < _LINK_HEAD.size or _LINK_HEAD.unpack_from(content)[4] != 0
        if kind in {_ROUTE, _NO_ROUTE} and content[1:2] != b"\0":
            return False  # a route whose destination has a prefix length is not a default route
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
    """Return the bytes that identify an address or a route.

    The bytes are the kind, the family, the prefix length, the identifying attributes and, for an address, the interface
    index.
    """
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
