"""Source addresses: where a callback came from, and whether Cloud Monitor is documented to send from there.

An attacker can write any header: a header counts only where a proxy of the admin's has written it.
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
"""More hops than any chain of proxies has; a stranger may write thousands."""

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")

HeaderValues = Callable[[str], Sequence[str]]
"""Returns all values of a header, in their order."""


class SenderOrigin(enum.StrEnum):
    """Where a callback came from."""

    CLOUD_MONITOR = "cloud_monitor"
    OTHER = "other"
    UNKNOWN = "unknown"  # a tunnel, a proxy or this computer itself: the address says nothing


class SourceAddresses:
    """Knows Cloud Monitor's addresses and the trusted proxies from the settings. Safe for any thread."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = _networks(settings.trusted_proxies)
        self._documented = _networks((*documented_networks(), *settings.more_cloud_monitor_addresses))
        self._only_cloud_monitor = settings.only_cloud_monitor
        self.origin = functools.lru_cache(maxsize=512)(self._origin)

    def sender_address(self, peer: str, header_values: HeaderValues) -> str:
        """Return the sender's address: the peer's, or the one that a trusted proxy names."""
        address = _read_address(peer)
        if address is None:
            return peer
        if self._proxies and _within(address, self._proxies):
            address = self._forwarded_address(header_values) or address
        return str(address)

    def admits(self, sender: str) -> bool:
        """Whether the sender may come in: with `only_cloud_monitor` none that is known to be another."""
        return not self._only_cloud_monitor or self.origin(sender) is not SenderOrigin.OTHER

    def _forwarded_address(self, header_values: HeaderValues) -> _Address | None:
        """Return the address that the proxy names.

        A proxy that writes one of the two headers passes on the other as the sender wrote it: where they differ, the
        address that is not Cloud Monitor's counts.
        """
        forwarded = [_read_address(_without_port(text)) for text in header_values("X-Real-IP")]
        forwarded = [address for address in forwarded if address is None or not _within(address, self._proxies)]
        hops = ",".join(header_values("X-Forwarded-For"))
        if hops:
            forwarded.append(self._last_hop(hops))
        undocumented = [address for address in forwarded if address and not _within(address, self._documented)]
        return undocumented[0] if undocumented else next(iter(forwarded), None) if len(set(forwarded)) == 1 else None

    def _last_hop(self, hops: str) -> _Address | None:
        """Return the last address that is no trusted proxy's: anybody could have written those before it."""
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
    """Return the networks in Alibaba Cloud's documentation, of both sites."""
    table = json.loads(read_text("cloud_monitor_addresses.json"))
    return tuple(network for entries in table.values() for entry in entries for network in entry["networks"])


def _networks(texts: Iterable[str]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def _within(address: _Address, networks: tuple[_Network, ...]) -> bool:
    return any(address in network for network in networks)


def _without_port(hop: str) -> str:
    """Remove the port that some proxies add: `1.2.3.4:5678`, `[2001:db8::1]:5678`."""
    match = _WITH_PORT.fullmatch(hop.strip())
    return (match[1] or match[2]) if match else hop


@functools.lru_cache(maxsize=512)
def _read_address(text: str) -> _Address | None:
    """Read an address; an IPv4-mapped IPv6 address is read as IPv4."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
