"""Finds the address that a callback came from, and compares it with Cloud Monitor's documented addresses.

A stranger can send any header. An address in a header is therefore ignored unless a trusted proxy sent the request.
"""

import enum
import functools
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Sequence

from trayalert.domain.settings.settings import Settings
from trayalert.resource_files import read_text

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MOST_HOPS = 32
"""Maximum number of hops to read from `X-Forwarded-For`.

No real chain of proxies has more hops, but a stranger can send thousands of hops.
"""

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")

HeaderValues = Callable[[str], Sequence[str]]
"""A function that takes a header's name and returns all values of this header, in the order of the request."""


class SenderOrigin(enum.StrEnum):
    """What the source address of a callback says about its sender."""

    CLOUD_MONITOR = "cloud_monitor"
    OTHER = "other"
    UNKNOWN = "unknown"  # the address of a tunnel, a proxy or this computer says nothing about the sender


class SourceAddresses:
    """Finds source addresses, compares them with Cloud Monitor's addresses, and decides which addresses are admitted.

    Any thread may call the methods.
    """

    def __init__(self, settings: Settings) -> None:
        self._proxies = _networks(settings.trusted_proxies)
        self._documented = _networks((*documented_networks(), *settings.more_cloud_monitor_addresses))
        self._only_cloud_monitor = settings.only_cloud_monitor
        self.origin = functools.lru_cache(maxsize=512)(self._origin)

    def sender_address(self, peer: str, header_values: HeaderValues) -> str:
        """Return the source address of a request. `peer` is the address from which the connection was made.

        If `peer` is a trusted proxy and the headers name an address, return the address from the headers. In all other
        cases, return `peer`. An IPv4-mapped IPv6 address is returned as an IPv4 address.
        """
        address = _read_address(peer)
        if address is None:
            return peer
        if self._proxies and _within(address, self._proxies):
            address = self._forwarded_address(header_values) or address
        return str(address)

    def admits(self, sender: str) -> bool:
        """Return whether a request from the address `sender` is accepted.

        If the setting `only_cloud_monitor` is off, all addresses are accepted. If the setting is on, all addresses are
        accepted except public addresses that are not Cloud Monitor's.
        """
        return not self._only_cloud_monitor or self.origin(sender) is not SenderOrigin.OTHER

    def _forwarded_address(self, header_values: HeaderValues) -> _Address | None:
        """Return the address that a trusted proxy names in `X-Real-IP` or `X-Forwarded-For`, or None.

        A proxy that writes only one of the two headers can pass on the other header from an attacker.

        - If a header names an address that is not Cloud Monitor's, return this address. An attacker can therefore not
          be taken for Cloud Monitor.
        - If all headers name the same address, return this address.
        - In all other cases, return None.
        """
        forwarded = [_read_address(_without_port(text)) for text in header_values("X-Real-IP")]
        forwarded = [address for address in forwarded if address is None or not _within(address, self._proxies)]
        hops = ",".join(header_values("X-Forwarded-For"))
        if hops:
            forwarded.append(self._last_hop(hops))
        undocumented = [address for address in forwarded if address and not _within(address, self._documented)]
        return undocumented[0] if undocumented else next(iter(forwarded), None) if len(set(forwarded)) == 1 else None

    def _last_hop(self, hops: str) -> _Address | None:
        """Return the last address in `X-Forwarded-For` that does not belong to a trusted proxy, or None.

        `hops` is the value of the header. Hops before the returned address are ignored, because an attacker can have
        written these hops. Return None in these cases:

        - All hops are trusted proxies.
        - The last hop that is not a trusted proxy is not a valid address.
        """
        for hop in reversed(hops.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]):
            address = _read_address(_without_port(hop))
            if address is None or not _within(address, self._proxies):
                return address
        return None

    def _origin(self, sender: str) -> SenderOrigin:
        address = _read_address(sender)
        if address is None:
            return SenderOrigin.UNKNOWN
        if _within(address, self._documented):
            return SenderOrigin.CLOUD_MONITOR
        return SenderOrigin.OTHER if address.is_global else SenderOrigin.UNKNOWN


def documented_networks() -> tuple[str, ...]:
    """Return the networks from which Cloud Monitor sends.

    Alibaba Cloud documents these networks on its two sites, the international site and the site for China.
    """
    table = json.loads(read_text("cloud_monitor_addresses.json"))
    return tuple(network for entries in table.values() for entry in entries for network in entry["networks"])


def _networks(texts: Iterable[str]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def _within(address: _Address, networks: tuple[_Network, ...]) -> bool:
    return any(address in network for network in networks)


def _without_port(hop: str) -> str:
    """Return the address `hop` without its port.

    Some proxies add a port to an address, as in `1.2.3.4:5678` or `[2001:db8::1]:5678`.
    """
    match = _WITH_PORT.fullmatch(hop.strip())
    return (match[1] or match[2]) if match else hop


@functools.lru_cache(maxsize=512)
def _read_address(text: str) -> _Address | None:
    """Parse an IP address. Return None if `text` is not an IP address. Convert an IPv4-mapped IPv6 address to IPv4."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
