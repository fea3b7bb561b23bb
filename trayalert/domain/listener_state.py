"""The listener: its address, as text and as a URL, and whether it is open."""

from dataclasses import dataclass

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read
"""The address at which this computer reaches a listener that is bound to all addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerAddress:
    """A host, a port, and whether the listener there speaks TLS."""

    host: str
    port: int
    tls: bool = False

    @property
    def authority(self) -> str:
        """Host and port, such as `127.0.0.1:8765` or `[::1]:8765`."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def scheme(self) -> str:
        """`https` or `http`."""
        return "https" if self.tls else "http"

    @property
    def url(self) -> str:
        """The URL without a path, such as `http://127.0.0.1:8765`."""
        return f"{self.scheme}://{self.authority}"

    @property
    def local(self) -> "ListenerAddress":
        """The address at which a program on this computer reaches the listener."""
        return ListenerAddress(host=_LOOPBACK.get(self.host, self.host), port=self.port, tls=self.tls)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerState(ListenerAddress):
    """The listener as it is. With a `problem` it is not open; a `note` says what is wrong though it is open."""

    open: bool
    problem: str | None = None
    note: str | None = None


def bracketed(host: str) -> str:
    """Return a host as URLs write it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
