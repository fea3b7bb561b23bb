"""An HTTP client that sends each request over a new connection and returns the outcome.

The client sends no cookies, and no passwords from `.netrc`. A redirect is returned to the caller and never followed. No
message from this module contains the path of a URL or the password of a proxy. The path of a URL may be a secret.
"""

import asyncio
import enum
import errno
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from trayalert.domain.fault import os_reason
from trayalert.domain.listener_state import bracketed
from trayalert.domain.phrase import N_, Phrase
from trayalert.domain.text import printable
from trayalert.services.network_lookup import own_addresses, proxy_for, run_in_daemon_thread

_BAD_AUTHORITY = Phrase("the URL's host or port is not valid")
_UNREADABLE_PROXY = Phrase("whose address makes no sense")
"""Shown instead of a proxy URL that cannot be parsed, because any part of the URL may be a password."""

_NOT_THERE = Phrase("it is not there")
_WANTS_PASSWORD = Phrase("it wants a password")
_UNREACHABLE_ERRNOS = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_VERIFY_CODES = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    62: "certificate_name",
    64: "certificate_name",
}
"""Maps OpenSSL's codes for a failed verification (X509_V_ERR_...) to the lower-case names of HttpFailure members.

All other codes count as `certificate_untrusted`.
"""


class HttpFailure(enum.Enum):
    """Why a request got no response.

    PROXY_ERROR means that the proxy does not work. The server itself may be reachable.
    """

    INVALID_REQUEST = enum.auto()
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


_REASONS = {
    HttpFailure.INVALID_REQUEST: N_("the request cannot be sent ({detail})"),
    HttpFailure.NO_NETWORK: N_("this computer has no network"),
    HttpFailure.NAME_UNRESOLVED: N_("its name is unknown, or no name server answers"),
    HttpFailure.NO_ROUTE: N_("there is no route to it ({detail})"),
    HttpFailure.REFUSED: N_("it refuses connections"),
    HttpFailure.TIMED_OUT: N_("it did not answer in time"),
    HttpFailure.DISCONNECTED: N_("it sent no complete answer"),
    HttpFailure.CERTIFICATE_NOT_YET_VALID: N_("its certificate is not valid yet"),
    HttpFailure.CERTIFICATE_EXPIRED: N_("its certificate has expired"),
    HttpFailure.CERTIFICATE_NAME: N_("its certificate is for another name"),
    HttpFailure.CERTIFICATE_UNTRUSTED: N_("its certificate is not trusted ({detail})"),
    HttpFailure.TLS_ERROR: N_("the TLS handshake with it failed ({detail})"),
    HttpFailure.NOT_HTTP: N_("its answer is not HTTP"),
    HttpFailure.PROXY_ERROR: N_("the proxy {proxy} cannot be used ({detail})"),
}
_FAILURES_WITHOUT_NETWORK = frozenset({
    HttpFailure.NAME_UNRESOLVED, HttpFailure.NO_ROUTE, HttpFailure.TIMED_OUT, HttpFailure.PROXY_ERROR,
})  # fmt: skip
_FAILURES_BEFORE_SERVER = frozenset({HttpFailure.INVALID_REQUEST, HttpFailure.NO_NETWORK, HttpFailure.PROXY_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResult:
    """A response, or the reason why there is none."""

    failure: HttpFailure | None = None
    """Why there is no response, or None if there is a response."""
    detail: str = ""
    """A description of the failure, often in the words of the operating system. May be empty."""
    status: int = 0
    """The HTTP status of the response, or 0 if there is no response."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # a Location header may contain a secret
    body: bytes = field(default=b"", repr=False)
    """The decompressed body, or only its beginning if `truncated` is true."""
    truncated: bool = False
    proxy: str | None = None
    """The host and port of the proxy that was used, or None if no proxy was used."""

    @property
    def reason(self) -> str:
        """The outcome of the request, worded as a clause about the server, such as "its certificate has expired"."""
        if self.failure is None:
            return Phrase("it answered {status}", status=self.status)
        proxy = printable(self.proxy, limit=100)
        reason = Phrase(_REASONS[self.failure], detail=printable(self.detail, limit=100), proxy=proxy)
        through = proxy and self.failure not in _FAILURES_BEFORE_SERVER
        return Phrase("{reason}, asked through the proxy {proxy}", reason=reason, proxy=proxy) if through else reason


class HttpClient:
    """Sends HTTP requests.

    `ssl_context` determines which certificates are trusted. If `ssl_context` is None, the system's certificates are
    trusted. `own_addresses` returns the addresses of this computer. If the result is empty, the computer counts as
    having no network.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        own_addresses: Callable[[], frozenset[str]] = own_addresses,
    ) -> None:
        self._ssl_context = ssl_context
        self._own_addresses = own_addresses

    async def request(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> HttpResult:
        """Send one request. Return the response, or the reason why there is none.

        The whole exchange may take at most `seconds`. At most `max_bytes` of the decompressed body are read. A failure
        of the network or the server is returned in the result and never raised.
        """
        if detail := _request_problem(url, headers or {}):
            return HttpResult(failure=HttpFailure.INVALID_REQUEST, detail=detail)
        parts = urlsplit(url)
        proxy = shown_proxy = None
        try:
            async with asyncio.timeout(seconds):
                proxy = await run_in_daemon_thread(lambda: proxy_for(parts.scheme, parts.hostname or "", parts.port))
                shown_proxy = _redacted(proxy) if proxy else None
                if proxy and (
                    shown_proxy is _UNREADABLE_PROXY or not proxy.lower().startswith(("http://", "https://"))
                ):
                    detail = Phrase("it is no HTTP proxy")
                    return HttpResult(failure=HttpFailure.PROXY_ERROR, detail=detail, proxy=shown_proxy)
                async with (
                    self._session(connect_timeout=seconds * 0.9) as session,
                    session.request(
                        method, url, data=body, headers=headers, allow_redirects=False, proxy=proxy
                    ) as response,
                ):
                    return await _read_response(response, max_bytes, shown_proxy)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is a subclass of OSError
            failure, detail = _failure(error, proxied=proxy is not None)
            if failure in _FAILURES_WITHOUT_NETWORK and not self._own_addresses():
                failure = HttpFailure.NO_NETWORK
            return HttpResult(failure=failure, detail=detail, proxy=shown_proxy)

    def _session(self, *, connect_timeout: float) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=_Resolver(), force_close=True, ssl=self._ssl_context or True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
        )


async def _read_response(response: aiohttp.ClientResponse, max_bytes: int, shown_proxy: str | None) -> HttpResult:
    if shown_proxy and response.status == 407:
        return HttpResult(failure=HttpFailure.PROXY_ERROR, detail=_WANTS_PASSWORD, proxy=shown_proxy)
    content = bytearray()
    while len(content) <= max_bytes and (chunk := await response.content.read(max_bytes + 1 - len(content))):
        content += chunk
    return HttpResult(
        status=response.status,
        headers=response.headers,
        body=bytes(content[:max_bytes]),
        truncated=len(content) > max_bytes,
        proxy=shown_proxy,
    )


class _Resolver(AbstractResolver):
    """Looks up host names on daemon threads.

    asyncio itself would use its thread pool, whose threads can delay the end of the program.
    """

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


def _request_problem(url: str, headers: Mapping[str, str]) -> str | None:
    """Return why a request with this URL and these headers cannot be sent, or None if it can be sent."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _BAD_AUTHORITY
    if parts.scheme not in {"http", "https"}:
        return Phrase("the URL does not begin with https:// or http://")
    if not parts.hostname:
        return Phrase("the URL names no host")
    if port == 0:
        return Phrase("the URL's port is 0")
    broken = any(not part.isprintable() for header in headers.items() for part in header)
    return Phrase("a header has a line break or another control character") if broken else None


def _failure(error: Exception, *, proxied: bool) -> tuple[HttpFailure, str]:
    """Return the HttpFailure that an exception stands for, and a detail that may be empty.

    `proxied` says whether the request went through a proxy.
    """
    found: tuple[HttpFailure, str]
    match error:  # the order of the cases matters, because some exception classes are subclasses of others
        case aiohttp.InvalidUrlClientError():
            found = HttpFailure.INVALID_REQUEST, _BAD_AUTHORITY
        case aiohttp.ClientHttpProxyError(status=status):
            found = _proxy_failure(status)
        case aiohttp.ClientProxyConnectionError():
            found = HttpFailure.PROXY_ERROR, os_reason(error.os_error) if error.os_error.strerror else _NOT_THERE
        case aiohttp.ConnectionTimeoutError() if proxied:
            found = HttpFailure.PROXY_ERROR, Phrase("it does not answer")
        case aiohttp.ClientConnectorCertificateError():
            found = _certificate_failure(error.certificate_error)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            found = HttpFailure.TLS_ERROR, _tls_reason(error)
        case aiohttp.ClientConnectorDNSError() | UnicodeError():  # UnicodeError: the host is not a valid name
            found = HttpFailure.NAME_UNRESOLVED, ""
        case TimeoutError():
            found = HttpFailure.TIMED_OUT, ""
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            found = HttpFailure.REFUSED, ""
        case aiohttp.ClientConnectorError() if error.errno in _UNREACHABLE_ERRNOS:
            found = HttpFailure.NO_ROUTE, os_reason(error.os_error) if error.os_error.strerror else ""
        case aiohttp.ClientResponseError():
            found = HttpFailure.NOT_HTTP, ""
        case _:
            found = HttpFailure.DISCONNECTED, ""
    return found


def _proxy_failure(status: int) -> tuple[HttpFailure, str]:
    if status in {502, 503, 504}:
        return HttpFailure.NO_ROUTE, Phrase("the proxy answered {status}", status=status)
    if status == 407:
        return HttpFailure.PROXY_ERROR, _WANTS_PASSWORD
    return HttpFailure.PROXY_ERROR, Phrase("it answered {status}", status=status)


def _certificate_failure(error: Any) -> tuple[HttpFailure, str]:
    code = getattr(error, "verify_code", 0)
    return HttpFailure[_VERIFY_CODES.get(code, "certificate_untrusted").upper()], getattr(error, "verify_message", "")


def _tls_reason(error: Exception) -> str:
    cause = getattr(error, "os_error", error)
    reason = getattr(cause, "reason", None)
    return reason.replace("_", " ").lower() if reason else Phrase("it ended the handshake")


def _redacted(proxy: str) -> str:
    """Return the host and port from the URL of a proxy, without the user name and password.

    Return _UNREADABLE_PROXY if the URL cannot be parsed.
    """
    try:
        parts = urlsplit(proxy)
        host, port = parts.hostname, parts.port
    except ValueError:
        return _UNREADABLE_PROXY
    if not host:
        return _UNREADABLE_PROXY
    return f"{bracketed(host)}:{port}" if port else bracketed(host)
