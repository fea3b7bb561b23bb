"""One POST to a public URL on a fresh connection, as Cloud Monitor would send it, and what comes of it.

Nothing of ours goes along but the body: no cookies, no passwords of `.netrc`. No redirects are followed.
"""

import asyncio
import enum
import errno
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from trayalert.domain.listener_state import bracketed
from trayalert.services.reachability.network_lookup import own_addresses, proxy_for, run_in_daemon_thread

MAX_BODY = 4096
"""Bytes of a response that are read."""

_UNREADABLE_PROXY = "whose address makes no sense"
"""Shown instead of a proxy that is no address, as any part of such a text may be a password."""

_UNREACHABLE_ERRNOS = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_VERIFY_CODES = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    62: "certificate_name",
    64: "certificate_name",
}
"""OpenSSL's numbers; all others mean that the certificate is untrusted."""


class PostFailure(enum.Enum):
    """Why there is no response. `PROXY_ERROR`: the proxy does not work, which says nothing of reachability."""

    NO_NETWORK = enum.auto()
    NAME_UNRESOLVED = enum.auto()
    NO_ROUTE = enum.auto()
    REFUSED = enum.auto()
    TIMED_OUT = enum.auto()
    DISCONNECTED = enum.auto()
    CERTIFICATE_NOT_YET_VALID = enum.auto()
    CERTIFICATE_EXPIRED = enum.auto()
    CERTIFICATE_NAME = enum.auto()
    CERTIFICATE_UNTRUSTED = enum.auto()
    TLS_ERROR = enum.auto()
    NOT_HTTP = enum.auto()
    PROXY_ERROR = enum.auto()


_FAILURES_WITHOUT_NETWORK = frozenset({
    PostFailure.NAME_UNRESOLVED, PostFailure.NO_ROUTE, PostFailure.TIMED_OUT, PostFailure.PROXY_ERROR,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PostResult:
    """A response, or a `failure` and the system's word for it. `proxy` is the proxy that was asked, if any."""

    failure: PostFailure | None = None
    detail: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    proxy: str | None = None


async def post(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, ssl_context: ssl.SSLContext | None = None
) -> PostResult:
    """Send one POST and wait so long. `ssl_context` says which certificates are trusted; None: those of the system."""
    parts = urlsplit(url)
    proxy = shown_proxy = None
    try:
        async with asyncio.timeout(seconds):
            proxy = await run_in_daemon_thread(lambda: proxy_for(parts.scheme, parts.hostname or "", parts.port))
            shown_proxy = _redacted(proxy) if proxy else None
            if proxy and (shown_proxy is _UNREADABLE_PROXY or not proxy.lower().startswith(("http://", "https://"))):
                return PostResult(failure=PostFailure.PROXY_ERROR, detail="it is no HTTP proxy", proxy=shown_proxy)
            async with (
                _session(ssl_context, connect_timeout=seconds * 0.9) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False, proxy=proxy) as response,
            ):
                return await _read_response(response, shown_proxy)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
        failure, detail = _failure(error, proxied=proxy is not None)
        if failure in _FAILURES_WITHOUT_NETWORK and not own_addresses():
            failure = PostFailure.NO_NETWORK
        return PostResult(failure=failure, detail=detail, proxy=shown_proxy)


def _session(ssl_context: ssl.SSLContext | None, *, connect_timeout: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Resolver(), force_close=True, ssl=ssl_context or True),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        skip_auto_headers=("Accept",),
    )


async def _read_response(response: aiohttp.ClientResponse, shown_proxy: str | None) -> PostResult:
    if shown_proxy and response.status == 407:
        return PostResult(failure=PostFailure.PROXY_ERROR, detail="it wants a password", proxy=shown_proxy)
    content = b""
    while len(content) <= MAX_BODY and (chunk := await response.content.read(MAX_BODY + 1 - len(content))):
        content += chunk
    return PostResult(status=response.status, headers=response.headers, body=content, proxy=shown_proxy)


class _Resolver(AbstractResolver):
    """Looks up names without a pool of threads, which would delay the end of the program."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        look_up = partial(socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM)
        found = await run_in_daemon_thread(look_up)
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=int(address[1]), family=kind, proto=proto, flags=0)
            for kind, _, proto, _, address in found
        ]

    async def close(self) -> None:
        pass


def _failure(error: Exception, *, proxied: bool) -> tuple[PostFailure, str]:
    """Return what an exception means. The order matters, as some are subclasses of others."""
    match error:
        case aiohttp.ClientHttpProxyError(status=status) if status not in {502, 503, 504}:
            found = PostFailure.PROXY_ERROR, "it wants a password" if status == 407 else f"it answered {status}"
        case aiohttp.ClientHttpProxyError(status=status):
            found = PostFailure.NO_ROUTE, f"the proxy answered {status}"
        case aiohttp.ClientProxyConnectionError():
            found = PostFailure.PROXY_ERROR, error.os_error.strerror or "it is not there"
        case aiohttp.ConnectionTimeoutError() if proxied:
            found = PostFailure.PROXY_ERROR, "it does not answer"
        case aiohttp.ClientConnectorCertificateError():
            found = _certificate_failure(error.certificate_error)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            found = PostFailure.TLS_ERROR, _tls_reason(error)
        case aiohttp.ClientConnectorDNSError() | UnicodeError():  # UnicodeError: no name that could be asked for
            found = PostFailure.NAME_UNRESOLVED, ""
        case TimeoutError():
            found = PostFailure.TIMED_OUT, ""
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            found = PostFailure.REFUSED, ""
        case aiohttp.ClientConnectorError() if error.errno in _UNREACHABLE_ERRNOS:
            found = PostFailure.NO_ROUTE, error.os_error.strerror or ""
        case aiohttp.ClientResponseError():
            found = PostFailure.NOT_HTTP, ""
        case _:
            found = PostFailure.DISCONNECTED, ""
    return found


def _certificate_failure(error: Any) -> tuple[PostFailure, str]:
    code = getattr(error, "verify_code", 0)
    return PostFailure[_VERIFY_CODES.get(code, "certificate_untrusted").upper()], getattr(error, "verify_message", "")


def _tls_reason(error: Exception) -> str:
    cause = getattr(error, "os_error", error)
    return (getattr(cause, "reason", None) or "it ended the handshake").replace("_", " ").lower()


def _redacted(proxy: str) -> str:
    """Return the proxy's host and port, without user name and password."""
    try:
        parts = urlsplit(proxy)
        host, port = parts.hostname, parts.port
    except ValueError:
        return _UNREADABLE_PROXY
    if not host:
        return _UNREADABLE_PROXY
    return f"{bracketed(host)}:{port}" if port else bracketed(host)
