"""The door: `POST` or `GET` on `/hook/<secret>`, and the same empty 404 for everything else.

200 goes out only after `receive` has said that the callback is safe. The attacker is any stranger on the Internet; the
secret in the path is all that tells Cloud Monitor from one, and it is never logged.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError

from trayalert.domain.callback import Callback
from trayalert.domain.times import Millis
from trayalert.listener import limits
from trayalert.listener.access_log import AccessLog, Visit
from trayalert.listener.bucket import Bucket
from trayalert.listener.connection import Connection, answer_of
from trayalert.listener.counts import DoorCounts
from trayalert.listener.crowd import Crowd

_PREFIX = b"/hook/"
_METHODS = frozenset({"POST", "GET"})
_VERSIONS = frozenset({HttpVersion10, HttpVersion11})

Receive = Callable[[Callback], Awaitable[bool]]
Opens = Callable[[bytes], str | None]
"""Return the name of the secret that was offered; None where it is none of ours."""
HeaderValues = Callable[[str], Sequence[str]]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Whom the admin lets in, besides the secret. `sender` tells the real sender of a peer and its headers."""

    allowed_hosts: frozenset[str] = frozenset()
    sender: Callable[[str, HeaderValues], str] = lambda peer, _: peer
    admits: Callable[[str], bool] = lambda _: True


class _TooLargeError(Exception):
    """More bytes than LARGEST_BODY."""


class Door:
    """Answers requests. Lives on one asyncio loop."""

    def __init__(
        self,
        opens: Opens,
        receive: Receive,
        *,
        crowd: Crowd,
        counts: DoorCounts,
        rules: Rules,
        access_log: AccessLog | None = None,
    ) -> None:
        self._opens = opens
        self._receive = receive
        self._crowd = crowd
        self._counts = counts
        self._rules = rules
        self._access_log = access_log
        self._strangers = Bucket(
            capacity=limits.STRANGERS_AT_ONCE, rate=limits.STRANGERS_A_SECOND, now=time.monotonic()
        )

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        begun, at = time.perf_counter(), time.time_ns() // 1_000_000
        connection = request.protocol
        assert isinstance(connection, Connection)  # noqa: S101 - our own server makes no others
        self._counts.requests += 1
        sender = self._rules.sender(connection.peer, lambda name: request.headers.getall(name, ()))
        path, _, query = request.raw_path.encode("utf-8", "surrogateescape").partition(b"?")
        secret = self._secret_of(request, path, sender)
        if secret is None:
            if path.startswith(_PREFIX):
                self._note_probe(at, sender)
            response, size = self._turn_away(connection, 404 if request.version in _VERSIONS else 400), 0
        else:
            response, size = await self._let_in(request, at=at, sender=sender, secret=secret, query=query)
        if self._access_log:
            what = "hook" if secret is not None else "-"
            self._access_log.note(
                Visit(
                    at, sender, request.method, what, secret or "", response.status, size, time.perf_counter() - begun
                )
            )
        return response

    def refuse(self, connection: Connection) -> web.Response:
        """Answer what is no HTTP."""
        self._counts.requests += 1
        response = self._turn_away(connection, 400)
        if self._access_log:
            at = time.time_ns() // 1_000_000
            self._access_log.note(Visit(at, connection.peer, "-", "-", "", response.status, 0, 0.0))
        return response

    def _turn_away(self, connection: Connection, status: int) -> web.Response:
        """Answer a stranger: all alike, so that there is nothing to learn, and those who come too often with 429."""
        self._crowd.disengage(connection)
        self._counts.strangers += 1
        if not self._strangers.take(time.monotonic()):
            self._counts.limited += 1
            status = 429
        return answer_of(status, "the request is broken\n" if status == 400 else "")

    def _note_probe(self, at: Millis, sender: str) -> None:
        self._counts.probes += 1
        self._counts.last_probe_at = at
        self._counts.last_probe_from = sender

    def _secret_of(self, request: web.BaseRequest, path: bytes, sender: str) -> str | None:
        """Return the name of the secret that lets the request in. The secret comes last: nothing else tells of it."""
        if (
            request.version not in _VERSIONS
            or not path.startswith(_PREFIX)  # no absolute form, no `*`
            or "Origin" in request.headers  # a page in somebody's browser
            or request.method not in _METHODS
            or not self._host_allowed(request)
            or not self._rules.admits(sender)
        ):
            return None
        return self._opens(path[len(_PREFIX) :])

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
        self, request: web.BaseRequest, *, at: Millis, sender: str, secret: str, query: bytes
    ) -> tuple[web.Response, int]:
        """Receive a callback. Return the answer and the body's length."""
        try:
            body = await _read_body(request)
        except _TooLargeError:
            return answer_of(413, f"a callback has at most {limits.LARGEST_BODY} bytes\n"), 0
        except TimeoutError:
            return answer_of(408, f"the body did not come within {limits.BODY_DEADLINE:g} s\n"), 0
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            return answer_of(400, "the body is broken\n"), 0
        callback = Callback(
            received_at=at,
            method=request.method,
            query=query,
            content_type=request.headers.get("Content-Type", "").encode("utf-8", "replace").decode("utf-8"),
            sender=sender,
            secret=secret,
            body=body,
        )
        try:
            stored = await self._receive(callback)
        except Exception:  # a bug of ours is told to the sender as "come again", never as 200
            _logger.exception("a callback could not be received")
            stored = False
        self._counts.stored += stored
        return (answer_of(200) if stored else answer_of(503, "not stored; send it again\n")), len(body)


async def _read_body(request: web.BaseRequest) -> bytes:
    if not request.body_exists:
        return b""
    if (request.content_length or 0) > limits.LARGEST_BODY:
        raise _TooLargeError
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # that was no answer yet
    content = request.content
    if content.is_eof():  # it came along with the headers: no timer, no task
        body = content.read_nowait()
        if content.exception() is None and len(body) <= limits.LARGEST_BODY:
            return body
        raise content.exception() or _TooLargeError
    parts = bytearray()
    async with asyncio.timeout(limits.BODY_DEADLINE):
        async for part in content.iter_any():
            parts += part
            if len(parts) > limits.LARGEST_BODY:
                raise _TooLargeError
    return bytes(parts)
