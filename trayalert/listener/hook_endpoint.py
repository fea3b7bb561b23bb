"""The endpoint for callbacks, which arrive as `POST` or `GET` requests to `/hook/<secret>`.

A callback gets 200 only after `receive` has returned True. True means that the callback is stored.

The attacker is any stranger on the Internet. A valid HTTP request from a stranger gets an empty 404. If strangers send
too many requests, further requests get 429. The path of a callback contains the secret, so a path is never logged.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import HttpVersion11, web

from trayalert.clock import now
from trayalert.domain.callback import Callback, Receive
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.domain.text import printable
from trayalert.domain.times import Millis
from trayalert.domain.token_bucket import TokenBucket
from trayalert.listener.access_log import AccessLog, AccessLogEntry
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.http_protocol import HttpProtocol, Response
from trayalert.listener.large_bodies import HeldBody, LargeBodies
from trayalert.listener.limits import ListenerLimits
from trayalert.listener.refusals import (
    BROKEN_BODY,
    CAUSES_OF_LOSS,
    NOT_STORED,
    UNSUPPORTED_VERSION,
    Refusal,
    RefusalCause,
    RefusedError,
    invalid_http,
    too_slow,
)

_PREFIX = b"/hook/"
_METHODS = frozenset({"POST", "GET"})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

CheckSecret = Callable[[bytes], str | None]
"""A function that takes a secret and returns the name of the secret, or None if the secret is wrong."""
HeaderValues = Callable[[str], Sequence[str]]
"""A function that takes the name of a header and returns all values that the header has in one request."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """Rules for requests with a right secret, and functions that the endpoint calls."""

    allowed_hosts: frozenset[str] = frozenset()
    """The host names that are allowed in the `Host` header. An empty set allows any host name."""
    sender: Callable[[str, HeaderValues], str] = lambda peer, _: peer
    """Takes the peer's address and a function that reads the request's headers. Returns the source address."""
    admits: Callable[[str], bool] = lambda _: True
    """Takes a source address. Returns whether callbacks from this address are accepted."""
    respond_to_probe: Callable[[bytes], str | None] = lambda _: None
    """Takes a token. Returns the proof if the token is that of a probe under way, else None."""
    on_probe_refused: Callable[[bytes, str], None] = lambda *_: None
    """Called with the token and the reason after the refusal of a probe."""
    find_typo: Callable[[bytes], str | None] = lambda _: None
    """Takes the path and query of a request. Returns what is wrong if a callback URL was mistyped, else None."""
    on_refused: Callable[[RefusalCause, str], None] = lambda *_: None
    """Called with the cause and the reason after each refusal and after each request with a mistyped URL."""


class _RequestHead(NamedTuple):
    """What is known about a request before its body is read.

    `at` is the time of the request by the wall clock. `started` is the time of the request by `time.perf_counter`, to
    measure the duration of the answer.
    """

    at: Millis
    started: float
    sender: str
    method: str


class HookEndpoint:
    """Answers all requests to the listener. Must be used on a single event loop.

    `check_secret` finds the name of a request's secret, and `receive` stores a callback.
    """

    def __init__(
        self,
        check_secret: CheckSecret,
        receive: Receive,
        *,
        counts: ListenerCounts,
        rules: AccessRules,
        limits: ListenerLimits,
        access_log: AccessLog | None = None,
    ) -> None:
        self._check_secret = check_secret
        self._receive = receive
        self._counts = counts
        self._rules = rules
        self._access_log = access_log
        self.large_bodies = LargeBodies(asyncio.get_running_loop().time, limits)
        self._body_deadline = limits.body_deadline
        self._invalid_http = invalid_http(limits)
        self._stranger_bucket = TokenBucket(
            capacity=limits.strangers_at_once, interval=1 / limits.strangers_a_second, now=time.monotonic()
        )

    async def handle(self, request: web.BaseRequest) -> Response:
        """Return the answer to a request. Strangers are answered immediately, and callbacks after they are stored."""
        connection = request.protocol
        assert isinstance(connection, HttpProtocol)  # noqa: S101 - the server makes connections of this class only
        self._counts.requests += 1
        headers = request.headers
        head = _RequestHead(
            at=now(),
            started=time.perf_counter(),
            sender=self._rules.sender(connection.peer, lambda name: headers.getall(name, ())),
            method=request.method,
        )
        target = request.raw_path.encode("utf-8", "surrogateescape")
        path, _, query = target.partition(b"?")
        secret = self._find_secret(path)
        if secret is None:
            token = path.removeprefix(_PREFIX)
            may_be_probe = token != path and connection.supported_version
            proof = self._rules.respond_to_probe(token) if may_be_probe else None
            if proof is not None:
                return connection.make_response(*await self._answer_probe(request, head, token, proof))
            self._count_stranger(target, head)
            return self._reject(connection, 404 if connection.supported_version else 400, head)
        refusal = self._find_refusal(request, head.sender) if connection.supported_version else UNSUPPORTED_VERSION
        if refusal is not None:
            self._count_refusal(refusal, head)
            return self._reject(connection, refusal.status, head)
        refusal, size = await self._receive_callback(request, head=head, secret=secret, query=query)
        self._log_access(head, secret, refusal.status if refusal else 200, size)
        if refusal is None:
            return connection.make_response(200, "ok\n")
        self._count_refusal(refusal, head)
        return connection.make_response(refusal.status, refusal.text, retry_after=refusal.retry_after)

    def _find_secret(self, path: bytes) -> str | None:
        """Return the name of the secret in a request's path, or None if the path contains no right secret.

        HTTP also permits an absolute URL or `*` in place of a path. Return None in these cases, too.
        """
        return self._check_secret(path[len(_PREFIX) :]) if path.startswith(_PREFIX) else None

    def _count_refusal(self, refusal: Refusal, head: _RequestHead) -> None:
        """Count and report the refusal of a request that has a right secret."""
        self._counts.turned_away += 1
        self._counts.last_turned_away_at = head.at
        self._counts.last_turned_away_why = refusal.reason
        self._report_refusal(refusal.cause, refusal.reason, head)

    def _count_stranger(self, target: bytes, head: _RequestHead) -> None:
        """Count a mistyped request or a secret guess.

        - A request whose URL is almost a callback URL is a mistyped request, and is also reported.
        - Any other request to the hook is a secret guess.
        - A request to any other path is not counted.
        """
        typo = self._rules.find_typo(target)
        if typo is not None:
            self._counts.mistyped += 1
            self._counts.last_mistyped_at = head.at
            self._counts.last_mistyped_why = typo
            self._report_refusal(RefusalCause.MISTYPED, typo, head)
        elif target.startswith(_PREFIX):
            self._counts.probes += 1
            self._counts.last_probe_at = head.at
            self._counts.last_probe_from = head.sender

    def _report_refusal(self, cause: RefusalCause, reason: str, head: _RequestHead) -> None:
        if cause in CAUSES_OF_LOSS:
            self._counts.lost_at = head.at
        # report after the answer: a stranger must not learn from the response time whether something is reported
        asyncio.get_running_loop().call_soon(self._rules.on_refused, cause, reason)

    async def _answer_probe(
        self, request: web.BaseRequest, head: _RequestHead, token: bytes, proof: str
    ) -> tuple[int, str]:
        """Check a probe, and return the status and the text of the answer. A probe is not stored.

        The checks are those for a callback, with two exceptions: any sender is admitted, and a large body is refused.
        """
        self._counts.own_probes += 1
        refusal = self._find_refusal(request)
        if refusal is not None:
            self._rules.on_probe_refused(token, refusal.reason)
            self._log_access(head, "", refusal.status, 0, kind="probe")
            return refusal.status, ""
        read = await _read_or_refuse(request, HeldBody(self.large_bodies, None), self._body_deadline)
        status, text = (read.status, read.text) if isinstance(read, Refusal) else (200, proof)
        self._log_access(head, "", status, len(read) if isinstance(read, bytes) else 0, kind="probe")
        return status, text

    def refuse_invalid(self, connection: HttpProtocol) -> Response:
        """Return the answer to a request that is not valid HTTP.

        The request may be a callback, for example if a proxy has added headers that are too large. The first line of
        the request is therefore searched for a secret.
        """
        self._counts.requests += 1
        head = _RequestHead(now(), time.perf_counter(), connection.peer, "-")
        words = connection.first_bytes.partition(b"\n")[0].split()
        target = words[1] if len(words) > 1 else b""
        if self._find_secret(target.partition(b"?")[0]) is not None:
            self._count_refusal(self._invalid_http, head)
        else:
            self._count_stranger(target, head)
        return self._reject(connection, 400, head)

    def _reject(self, connection: HttpProtocol, status: int, head: _RequestHead) -> Response:
        """Return the answer for strangers. The status is `status`, or 429 if strangers send too many requests.

        A request with a right secret also gets this answer if the request is refused because of its head. The answer
        must not reveal that the secret is right.
        """
        self._counts.strangers += 1
        if not self._stranger_bucket.take(time.monotonic()):
            self._counts.limited += 1
            status = 429
        self._log_access(head, "", status, 0)
        return connection.make_response(status, "the request is broken\n" if status == 400 else "")

    def _log_access(self, head: _RequestHead, secret: str, status: int, size: int, *, kind: str = "-") -> None:
        if self._access_log:
            seconds = time.perf_counter() - head.started
            kind = "hook" if secret else kind
            self._access_log.add(AccessLogEntry(head.at, head.sender, head.method, kind, secret, status, size, seconds))

    def _find_refusal(self, request: web.BaseRequest, sender: str | None = None) -> Refusal | None:
        """Return the refusal of a callback or probe whose request head breaks a rule, or None if no rule is broken.

        If `sender` is None, any sender is admitted.
        """
        if "Origin" in request.headers:
            return Refusal(RefusalCause.ORIGIN, 404, Phrase("it came from a page in a browser (it has an Origin)"))
        if request.method not in _METHODS:
            method = printable(request.method, limit=40)
            return Refusal(RefusalCause.METHOD, 404, Phrase("its method is {method}", method=method))
        if not self._host_allowed(request):
            return Refusal(RefusalCause.HOST, 404, _host_reason(request.headers.getall("Host", ())))
        if sender is not None and not self._rules.admits(sender):
            text = N_("it came from {sender}, which Cloud Monitor does not document, and only_cloud_monitor is set")
            return Refusal(RefusalCause.SENDER, 404, Phrase(text, sender=printable(sender, limit=60)))
        return None

    def _host_allowed(self, request: web.BaseRequest) -> bool:
        allowed = self._rules.allowed_hosts
        if not allowed:
            return True
        hosts = request.headers.getall("Host", ())
        if len(hosts) != 1:
            return False
        host = hosts[0].strip().lower()
        name, colon, port = host.rpartition(":")
        return host in allowed or (bool(colon) and port.isdecimal() and name in allowed)

    async def _receive_callback(
        self, request: web.BaseRequest, *, head: _RequestHead, secret: str, query: bytes
    ) -> tuple[Refusal | None, int]:
        """Read a callback and store it. Return the refusal and the body's length.

        The refusal is None if the callback was stored. The length is 0 if the body could not be read.
        """
        held = HeldBody(self.large_bodies, secret)
        refusal: Refusal | None = NOT_STORED
        try:
            body = await _read_or_refuse(request, held, self._body_deadline)
            if isinstance(body, Refusal):
                return body, 0
            callback = Callback(
                received_at=head.at,
                method=request.method,
                query=query,
                content_type=request.headers.get("Content-Type", "").encode("utf-8", "replace").decode("utf-8"),
                sender=head.sender,
                secret=secret,
                body=body,
            )
            refusal = await self._store(callback)
        finally:
            held.release(stored=refusal is None)
        return refusal, len(body)

    async def _store(self, callback: Callback) -> Refusal | None:
        """Pass a callback to `receive`. Return the refusal, or None if the callback was stored."""
        try:
            stored = await self._receive(callback)
        except RefusedError as error:
            return error.refusal
        except Exception:  # a bug must not lose the callback: ask the sender to send the callback again
            _logger.exception("a callback could not be received")
            return NOT_STORED
        self._counts.stored += stored
        return None if stored else NOT_STORED


def _host_reason(hosts: Sequence[str]) -> str:
    """Return why a request with the given host names is refused."""
    if not hosts:
        return Phrase("its host name is none, and allowed_hosts does not list that")
    quoted = [f'"{printable(host, limit=100)}"' for host in hosts[:3]]
    text = N_("its host name is {hosts}, and allowed_hosts does not list that")
    return Phrase(text, hosts=PhraseList(quoted, separator=N_(" and ")))


async def _read_or_refuse(request: web.BaseRequest, held: HeldBody, deadline: float) -> bytes | Refusal:
    """Return a request's body, or a refusal. A body that is incomplete after `deadline` seconds is refused."""
    try:
        body = await _read_body(request, held, deadline)
        held.take()
    except RefusedError as error:
        return error.refusal
    except TimeoutError:
        return too_slow(deadline)
    except (web.RequestPayloadError, OSError) as error:  # OSError: the sender closed the connection
        error.with_traceback(None)  # break a reference cycle that only garbage collection would free
        return BROKEN_BODY
    return body


async def _read_body(request: web.BaseRequest, held: HeldBody, deadline: float) -> bytes:
    held.expect(request.content_length or 0)
    content = request.content
    if content.is_eof():  # the body came with the headers, so no timer is needed
        body = content.read_nowait()
        held.grow(len(body))
        return body
    expects = request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11
    if expects and request.transport is not None:
        request.transport.write(_CONTINUE)
    parts = bytearray()
    async with asyncio.timeout(deadline):
        async for part in content.iter_any():
            held.grow(len(parts) + len(part))
            parts += part
    return bytes(parts)
