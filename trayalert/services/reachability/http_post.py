"""Asks a URL from outside, as Cloud Monitor would: one POST on a fresh connection, and what comes of it.

Its rule: nothing of ours goes along but the body. No cookies, no passwords of `.netrc`, no redirects followed.
"""

import asyncio
import enum
import errno
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from trayalert.services.reachability.lookup import aside, own_addresses, proxy_for

MOST_READ = 4096
"""So many bytes of an answer are looked at."""

_UNREADABLE = "whose address makes no sense"
"""Said instead of a proxy that is no address: in such a text nobody knows what is a password."""

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_CERTIFICATE = {9: "early", 10: "expired", 62: "name", 64: "name"}
"""OpenSSL's numbers; all others mean that nobody whom we trust has signed it."""


class Trouble(enum.Enum):
    """Why there is no answer. `PROXY`: the one that was to ask for us does not, which says nothing of the way in."""

    NO_NETWORK = enum.auto()
    NO_NAME = enum.auto()
    NO_WAY = enum.auto()
    REFUSED = enum.auto()
    TOO_LATE = enum.auto()
    HUNG_UP = enum.auto()
    EARLY = enum.auto()
    EXPIRED = enum.auto()
    NAME = enum.auto()
    SIGNER = enum.auto()
    NO_TLS = enum.auto()
    NO_HTTP = enum.auto()
    PROXY = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came back: an answer, or a `trouble` and the system's word for it. `proxy` is who asked for us, if any."""

    trouble: Trouble | None = None
    detail: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    proxy: str | None = None


async def ask(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, trust: ssl.SSLContext | None = None
) -> Heard:
    """Ask once, for so long. `trust` says whose certificates are believed; None: those whom the system trusts."""
    parts = urlsplit(url)
    proxy = shown = None
    try:
        async with asyncio.timeout(seconds):
            proxy = await aside(lambda: proxy_for(parts.scheme, parts.hostname or "", parts.port))
            shown = _shown(proxy) if proxy else None
            if proxy and (shown is _UNREADABLE or not proxy.lower().startswith(("http://", "https://"))):
                return Heard(trouble=Trouble.PROXY, detail="it is no HTTP proxy", proxy=shown)
            return await _asked(url, body, headers, proxy=proxy, shown=shown, trust=trust, patience=seconds * 0.9)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
        trouble, detail = _trouble(error, proxied=proxy is not None)
        if trouble in {Trouble.NO_NAME, Trouble.NO_WAY, Trouble.TOO_LATE, Trouble.PROXY} and not own_addresses():
            trouble = Trouble.NO_NETWORK
        return Heard(trouble=trouble, detail=detail, proxy=shown)


async def _asked(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    proxy: str | None,
    shown: str | None,
    trust: ssl.SSLContext | None,
    patience: float,
) -> Heard:
    connector = aiohttp.TCPConnector(resolver=_Resolver(), force_close=True, ssl=trust or True)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=patience)
    jar = aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=jar, trust_env=False, skip_auto_headers=("Accept",)
        ) as session,
        session.post(url, data=body, headers=headers, allow_redirects=False, proxy=proxy) as answer,
    ):
        if proxy and answer.status == 407:
            return Heard(trouble=Trouble.PROXY, detail="it wants a password", proxy=shown)
        read = b""
        while len(read) <= MOST_READ and (part := await answer.content.read(MOST_READ + 1 - len(read))):
            read += part
        return Heard(status=answer.status, headers=answer.headers, body=read, proxy=shown)


class _Resolver(AbstractResolver):
    """Looks names up with no pool of threads, whose end would have to be waited for."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await aside(lambda: socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM))
        return [
            ResolveResult(hostname=host, host=str(where[0]), port=int(where[1]), family=kind, proto=proto, flags=0)
            for kind, _, proto, _, where in found
        ]

    async def close(self) -> None:
        pass


def _trouble(error: Exception, *, proxied: bool) -> tuple[Trouble, str]:
    """Tell what an exception means. The order matters: some are kinds of others."""
    match error:
        case aiohttp.ClientHttpProxyError(status=status) if status not in {502, 503, 504}:
            found = Trouble.PROXY, "it wants a password" if status == 407 else f"it answered {status}"
        case aiohttp.ClientHttpProxyError(status=status):
            found = Trouble.NO_WAY, f"the proxy answered {status}"
        case aiohttp.ClientProxyConnectionError():
            found = Trouble.PROXY, error.os_error.strerror or "it is not there"
        case aiohttp.ConnectionTimeoutError() if proxied:
            found = Trouble.PROXY, "it does not answer"
        case aiohttp.ClientConnectorCertificateError():
            found = _of_certificate(error.certificate_error)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            found = Trouble.NO_TLS, _reason(error)
        case aiohttp.ClientConnectorDNSError() | UnicodeError():  # UnicodeError: no name that could be asked for
            found = Trouble.NO_NAME, ""
        case TimeoutError():
            found = Trouble.TOO_LATE, ""
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            found = Trouble.REFUSED, ""
        case aiohttp.ClientConnectorError() if error.errno in _UNREACHABLE:
            found = Trouble.NO_WAY, error.os_error.strerror or ""
        case aiohttp.ClientResponseError():
            found = Trouble.NO_HTTP, ""
        case _:
            found = Trouble.HUNG_UP, ""
    return found


def _of_certificate(error: Any) -> tuple[Trouble, str]:
    code = getattr(error, "verify_code", 0)
    return Trouble[_CERTIFICATE.get(code, "signer").upper()], getattr(error, "verify_message", "")


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", error)
    return (getattr(cause, "reason", None) or "it ended the handshake").replace("_", " ").lower()


def _shown(proxy: str) -> str:
    """Return the proxy's host and port; its name and password are nobody's business."""
    try:
        parts = urlsplit(proxy)
        host, port = parts.hostname, parts.port
    except ValueError:
        return _UNREADABLE
    if not host:
        return _UNREADABLE
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port else host
