"""The address of the listener, and whether the listener is open."""

from dataclasses import dataclass

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - only looked up here, never bound
"""Maps each host that stands for all addresses to the address at which this computer reaches the listener."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerAddress:
    """The host and the port of the listener, and whether the listener speaks TLS."""

    host: str
    port: int
    tls: bool = False

    @property
    def authority(self) -> str:
        """The host and the port, such as `127.0.0.1:8765` or `[::1]:8765`."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def scheme(self) -> str:
        """The scheme of the URL, `https` or `http`."""
        return "https" if self.tls else "http"

    @property
    def url(self) -> str:
        """The URL without a path, such as `http://127.0.0.1:8765`."""
        return f"{self.scheme}://{self.authority}"

    @property
    def local(self) -> "ListenerAddress":
        """The address at which a program on this computer can reach the listener."""
        return ListenerAddress(host=_LOOPBACK.get(self.host, self.host), port=self.port, tls=self.tls)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerState(ListenerAddress):
    """The current state of the listener."""

    open: bool
    problem: str | None = None
    """A sentence that says why the listener is not open, or None if the listener is open."""
    note: str | None = None
    """A sentence about something that is wrong although the listener is open, or None."""


def bracketed(host: str) -> str:
    """Return a host as it is written in a URL: an IPv6 address in brackets, and any other host unchanged."""
    return f"[{host}]" if ":" in host else host
