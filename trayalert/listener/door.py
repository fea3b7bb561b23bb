"""The door: `POST` or `GET` on `/hook/<secret>`, and the same empty 404 for everything else.

200 goes out only after `receive` has said that the callback is safe. The attacker is any stranger on the Internet; the
secret in the path is all that tells Cloud Monitor from one, and it is never logged.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import HttpVersion11, web

from trayalert.domain.callback import Callback
from trayalert.domain.times import Millis
from trayalert.listener import limits
from trayalert.listener.access_log import AccessLog, Visit
from trayalert.listener.answers import Answer
from trayalert.listener.bucket import Bucket
from trayalert.listener.connection import Connection
from trayalert.listener.counts import DoorCounts

_PREFIX = b"/hook/"
_METHODS = frozenset({"POST", "GET"})
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

Receive = Callable[[Callback], Awaitable[bool]]
Opens = Callable[[bytes], str | None]
"""Return what the secret that was offered is called; None where it is none of ours."""
HeaderValues = Callable[[str], Sequence[str]]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Whom the admin lets in, besides the secret. `sender` tells the real sender of a peer and its headers.

    `answers` returns what a probe of our own is answered with; None for what is none. `kept_out` hears of one that was
    not let in, and why.
    """

    allowed_hosts: frozenset[str] = frozenset()
    sender: Callable[[str, HeaderValues], str] = lambda peer, _: peer
    admits: Callable[[str], bool] = lambda _: True
    answers: Callable[[bytes], str | None] = lambda _: None
    kept_out: Callable[[bytes, str], None] = lambda *_: None


class _TooLargeError(Exception):
    """More bytes than LARGEST_BODY."""


class _Knock(NamedTuple):
    """A request whose head has come."""

    at: Millis
    begun: float
    sender: str
    method: str


class Door:
    """Answers requests. Lives on one asyncio loop."""

    def __init__(
        self, opens: Opens, receive: Receive, *, counts: DoorCounts, rules: Rules, access_log: AccessLog | None = None
    ) -> None:
        self._opens = opens
        self._receive = receive
        self._counts = counts
        self._rules = rules
        self._access_log = access_log
        self._strangers = Bucket(
            capacity=limits.STRANGERS_AT_ONCE, rate=limits.STRANGERS_A_SECOND, now=time.monotonic()
        )

    async def answer(self, request: web.BaseRequest) -> Answer:
        """Answer a request: a stranger at once, one with a secret of ours once the callback is safe."""
        connection = request.protocol
        assert isinstance(connection, Connection)  # noqa: S101 - our own server makes no others
        self._counts.requests += 1
        headers = request.headers
        knock = _Knock(
            at=time.time_ns() // 1_000_000,
            begun=time.perf_counter(),
            sender=self._rules.sender(connection.peer, lambda name: headers.getall(name, ())),
            method=request.method,
        )
        path, _, query = request.raw_path.encode("utf-8", "surrogateescape").partition(b"?")
        offered = path[len(_PREFIX) :] if path.startswith(_PREFIX) else None  # no absolute form, no `*` has one
        known = offered if connection.known_version else None
        secret = self._opens(known) if known is not None else None
        proof = self._rules.answers(known) if known is not None and secret is None else None
        if known is not None and proof is not None:
            return connection.say(*await self._answer_own(request, knock=knock, token=known, proof=proof))
        why_not = self._why_not(request, knock.sender) if secret is not None else None
        if secret is not None and why_not is None:
            status, text, size = await self._let_in(request, knock=knock, secret=secret, query=query)
            self._note(knock, secret, status, size)
            return connection.say(status, text)
        if why_not is not None:
            self._counts.turned_away += 1
            self._counts.last_turned_away_at = knock.at
            self._counts.last_turned_away_why = why_not
        elif offered is not None:
            self._counts.probes += 1
            self._counts.last_probe_at = knock.at
            self._counts.last_probe_from = knock.sender
        return self._turn_away(connection, 404 if connection.known_version else 400, knock)

    async def _answer_own(
        self, request: web.BaseRequest, *, knock: _Knock, token: bytes, proof: str
    ) -> tuple[int, str]:
        """Answer a probe of our own as a callback would be, but for the one rule that no probe can fulfil: its sender.

        It is read whole, and nothing of it is kept.
        """
        self._counts.own_probes += 1
        why_not = self._why_not(request)
        if why_not is not None:
            self._rules.kept_out(token, why_not)
            self._note(knock, "", 404, 0, what="probe")
            return 404, ""
        read = await _read(request)
        status, text = read if isinstance(read, tuple) else (200, proof)
        self._note(knock, "", status, len(read) if isinstance(read, bytes) else 0, what="probe")
        return status, text

    def refuse(self, connection: Connection) -> Answer:
        """Answer what is no HTTP."""
        self._counts.requests += 1
        knock = _Knock(time.time_ns() // 1_000_000, time.perf_counter(), connection.peer, "-")
        return self._turn_away(connection, 400, knock)

    def _turn_away(self, connection: Connection, status: int, knock: _Knock) -> Answer:
        """Answer a stranger: all alike, so that there is nothing to learn, and those who come too often with 429."""
        self._counts.strangers += 1
        if not self._strangers.take(time.monotonic()):
            self._counts.limited += 1
            status = 429
        self._note(knock, "", status, 0)
        return connection.say(status, "the request is broken\n" if status == 400 else "")

    def _note(self, knock: _Knock, secret: str, status: int, size: int, *, what: str = "-") -> None:
        if self._access_log:
            seconds = time.perf_counter() - knock.begun
            what = "hook" if secret else what
            self._access_log.note(Visit(knock.at, knock.sender, knock.method, what, secret, status, size, seconds))

    def _why_not(self, request: web.BaseRequest, sender: str | None = None) -> str | None:
        """Return why a request with a secret of ours is kept out all the same; None: it comes in. No sender: any."""
        if "Origin" in request.headers:
            return "it came from a page in a browser (it has an Origin)"
        if request.method not in _METHODS:
            return f"its method is {request.method}"
        if not self._host_allowed(request):
            hosts = " and ".join(f'"{host}"' for host in request.headers.getall("Host", ())) or "none"
            return f"its host name is {hosts}, and allowed_hosts does not list that"
        if sender is not None and not self._rules.admits(sender):
            return f"it came from {sender}, which Cloud Monitor does not document, and only_cloud_monitor is set"
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

    async def _let_in(
        self, request: web.BaseRequest, *, knock: _Knock, secret: str, query: bytes
    ) -> tuple[int, str, int]:
        """Receive a callback. Return the answer's status and text, and the body's length."""
        body = await _read(request)
        if isinstance(body, tuple):
            return *body, 0
        callback = Callback(
            received_at=knock.at,
            method=request.method,
            query=query,
            content_type=request.headers.get("Content-Type", "").encode("utf-8", "replace").decode("utf-8"),
            sender=knock.sender,
            secret=secret,
            body=body,
        )
        stored = await self._stored(callback)
        return (200, "ok\n", len(body)) if stored else (503, "not stored; send it again\n", len(body))

    async def _stored(self, callback: Callback) -> bool:
        try:
            stored = await self._receive(callback)
        except Exception:  # a bug of ours is told to the sender as "come again", never as 200
            _logger.exception("a callback could not be received")
            return False
        self._counts.stored += stored
        return stored


async def _read(request: web.BaseRequest) -> bytes | tuple[int, str]:
    """Read the body; where that cannot be, return the status and text of the answer."""
    try:
        return await _read_body(request)
    except _TooLargeError:
        return 413, f"a callback has at most {limits.LARGEST_BODY} bytes\n"
    except TimeoutError:
        return 408, f"the body did not come within {limits.BODY_DEADLINE:g} s\n"
    except (web.RequestPayloadError, OSError) as error:  # OSError: the sender has left
        error.with_traceback(None)  # the body keeps the error, and its frames the body
        return 400, "the body is broken\n"


async def _read_body(request: web.BaseRequest) -> bytes:
    if (request.content_length or 0) > limits.LARGEST_BODY:
        raise _TooLargeError
    content = request.content
    if content.is_eof():  # it came along with the headers: no timer
        body = content.read_nowait()
        if len(body) > limits.LARGEST_BODY:
            raise _TooLargeError
        return body
    expects = request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11
    if expects and request.transport is not None:
        request.transport.write(_GO_ON)
    parts = bytearray()
    async with asyncio.timeout(limits.BODY_DEADLINE):
        async for part in content.iter_any():
            parts += part
            if len(parts) > limits.LARGEST_BODY:
                raise _TooLargeError
    return bytes(parts)
