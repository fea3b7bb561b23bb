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

from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from trayalert.domain.callback import Callback
from trayalert.domain.times import Millis
from trayalert.listener import limits
from trayalert.listener.access_log import AccessLog, Visit
from trayalert.listener.answers import GO_ON
from trayalert.listener.bucket import Bucket
from trayalert.listener.connection import BrokenBody, Connection
from trayalert.listener.counts import DoorCounts

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
        self._loop = asyncio.get_running_loop()
        self._strangers = Bucket(
            capacity=limits.STRANGERS_AT_ONCE, rate=limits.STRANGERS_A_SECOND, now=time.monotonic()
        )

    def meet(self, connection: Connection, message: RawRequestMessage, body: StreamReader) -> None:
        """Answer a request: a stranger at once, one with a secret of ours once the callback is safe."""
        self._counts.requests += 1
        headers = message.headers
        knock = _Knock(
            at=time.time_ns() // 1_000_000,
            begun=time.perf_counter(),
            sender=self._rules.sender(connection.peer, lambda name: headers.getall(name, ())),
            method=message.method,
        )
        path, _, query = message.path.encode("utf-8", "surrogateescape").partition(b"?")
        secret = self._secret_of(message, path, knock.sender)
        if secret is not None:
            letting_in = self._let_in(connection, message, body, knock=knock, secret=secret, query=query)
            connection.answering = self._loop.create_task(letting_in)
            return
        if path.startswith(_PREFIX):
            self._counts.probes += 1
            self._counts.last_probe_at = knock.at
            self._counts.last_probe_from = knock.sender
        self._turn_away(connection, 404 if message.version in _VERSIONS else 400, knock)

    def refuse(self, connection: Connection) -> None:
        """Answer what is no HTTP."""
        self._counts.requests += 1
        knock = _Knock(time.time_ns() // 1_000_000, time.perf_counter(), connection.peer, "-")
        self._turn_away(connection, 400, knock)

    def _turn_away(self, connection: Connection, status: int, knock: _Knock) -> None:
        """Answer a stranger: all alike, so that there is nothing to learn, and those who come too often with 429."""
        self._counts.strangers += 1
        if not self._strangers.take(time.monotonic()):
            self._counts.limited += 1
            status = 429
        connection.say(status, "the request is broken\n" if status == 400 else "")
        self._note(knock, "", status, 0)

    def _note(self, knock: _Knock, secret: str, status: int, size: int) -> None:
        if self._access_log:
            seconds = time.perf_counter() - knock.begun
            what = "hook" if secret else "-"
            self._access_log.note(Visit(knock.at, knock.sender, knock.method, what, secret, status, size, seconds))

    def _secret_of(self, message: RawRequestMessage, path: bytes, sender: str) -> str | None:
        """Return the name of the secret that lets a request in. The secret comes last: nothing else tells of it."""
        if (
            message.version not in _VERSIONS
            or not path.startswith(_PREFIX)  # no absolute form, no `*`
            or "Origin" in message.headers  # a page in somebody's browser
            or message.method not in _METHODS
            or not self._host_allowed(message)
            or not self._rules.admits(sender)
        ):
            return None
        return self._opens(path[len(_PREFIX) :])

    def _host_allowed(self, message: RawRequestMessage) -> bool:
        allowed = self._rules.allowed_hosts
        if not allowed:
            return True
        hosts = message.headers.getall("Host", ())
        if len(hosts) != 1:
            return False
        host = hosts[0].strip().lower()
        name, colon, port = host.rpartition(":")
        return host in allowed or (bool(colon) and port.isdecimal() and name in allowed)

    async def _let_in(
        self,
        connection: Connection,
        message: RawRequestMessage,
        body: StreamReader,
        *,
        knock: _Knock,
        secret: str,
        query: bytes,
    ) -> None:
        """Receive a callback and answer."""
        try:
            content = await _read(body, message, connection)
        except _TooLargeError:
            status, text, size = 413, f"a callback has at most {limits.LARGEST_BODY} bytes\n", 0
        except TimeoutError:
            status, text, size = 408, f"the body did not come within {limits.BODY_DEADLINE:g} s\n", 0
        except BrokenBody:
            status, text, size = 400, "the body is broken\n", 0
        else:
            callback = Callback(
                received_at=knock.at,
                method=message.method,
                query=query,
                content_type=message.headers.get("Content-Type", "").encode("utf-8", "replace").decode("utf-8"),
                sender=knock.sender,
                secret=secret,
                body=content,
            )
            stored = await self._stored(callback)
            status, text = (200, "ok\n") if stored else (503, "not stored; send it again\n")
            size = len(content)
        connection.say(status, text)
        self._note(knock, secret, status, size)

    async def _stored(self, callback: Callback) -> bool:
        try:
            stored = await self._receive(callback)
        except Exception:  # a bug of ours is told to the sender as "come again", never as 200
            _logger.exception("a callback could not be received")
            return False
        self._counts.stored += stored
        return stored


async def _read(body: StreamReader, message: RawRequestMessage, connection: Connection) -> bytes:
    length = message.headers.get("Content-Length")
    if length and int(length) > limits.LARGEST_BODY:  # digits only: the parser has read it before us
        raise _TooLargeError
    if body.is_eof():  # it came along with the headers: no timer
        content = body.read_nowait()
        if len(content) > limits.LARGEST_BODY:
            raise _TooLargeError
        return content
    if message.headers.get("Expect", "").lower() == "100-continue" and connection.transport is not None:
        connection.transport.write(GO_ON)
    parts = bytearray()
    async with asyncio.timeout(limits.BODY_DEADLINE):
        async for part in body.iter_any():
            parts += part
            if len(parts) > limits.LARGEST_BODY:
                raise _TooLargeError
    return bytes(parts)
