"""The self-check, which runs before the listener opens.

The self-check sends requests over in-memory connections to prove that the limits are in force. If a limit is not in
force, the listener stays closed. For example, a new version of aiohttp could ignore a limit.
"""

import asyncio
from collections.abc import Callable

from aiohttp import http_parser

from trayalert.domain.phrase import N_, Phrase
from trayalert.listener.http_protocol import HttpProtocol
from trayalert.listener.limits import ListenerLimits
from trayalert.listener.port import ListenerFault

_TURNS = 50
"""Number of iterations of the event loop within which a request must be answered and its connection closed."""

_HEAD = b"POST /hook/self-check HTTP/1.1\r\nHost: self-check\r\n"
_VALID = _HEAD + b"Content-Length: 1\r\n\r\nx"


def _invalid_requests(limits: ListenerLimits) -> dict[str, bytes]:
    """Return requests that must be answered with 400. The key of each request is the reason for a fault."""
    return {
        N_("an over-long request line would be accepted"): b"GET /"
        + b"x" * limits.longest_line
        + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        N_("an over-large header would be accepted"): _HEAD + b"X: " + b"x" * (limits.longest_header + 1) + b"\r\n\r\n",
        N_("too many headers would be accepted"): _HEAD + b"X: x\r\n" * (limits.most_headers + 1) + b"\r\n",
        N_("two lengths for one body would be accepted"): _HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        N_("a body with a length and chunks would be accepted"): _HEAD
        + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    }


def parser_kind() -> str:
    """Return "c" if aiohttp uses its C parser, else "python". The Python parser accepts some broken requests."""
    return "c" if http_parser.HttpRequestParser.__module__ == "aiohttp._http_parser" else "python"


class _MemoryTransport(asyncio.Transport):
    """A transport without a network connection. `written` contains the bytes that were written to the transport."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return True

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


async def check_limits(make_protocol: Callable[[], HttpProtocol], limits: ListenerLimits) -> None:
    """Send requests over in-memory connections and check the answers. Raise `ListenerFault` if a limit is not in force.

    `make_protocol` must create connections that have the limits of the listener, but accept any secret.
    """
    if parser_kind() != "c":
        raise _fault(
            Phrase("aiohttp's C parser is missing, and only that refuses every broken request. Install trayalert anew")
        )
    try:
        connection = make_protocol()
    except TypeError as error:
        raise _fault(Phrase("a limit is not known to this aiohttp ({error})", error=error)) from error
    if connection.deadline != connection.accepted_at + limits.header_deadline:
        raise _fault(Phrase("the deadline for a request's headers does not hold"))
    for reason, request in _invalid_requests(limits).items():
        if (await _exchange(make_protocol(), request))[0] != 400:
            raise _fault(Phrase(reason))
    too_large = _HEAD + b"Content-Length: %d\r\n\r\n" % (limits.largest_body + 1)
    if (await _exchange(make_protocol(), too_large))[0] != 413:
        raise _fault(Phrase("an over-large body would be accepted"))
    query = b"x" * (limits.longest_line - 1000)
    for valid in (_VALID, b"GET /hook/self-check?" + query + b" HTTP/1.1\r\nHost: self-check\r\n\r\n"):
        status, closed = await _exchange(make_protocol(), valid)
        if status != 200:
            raise _fault(Phrase("a sound callback would be refused"))
        if not closed:
            raise _fault(Phrase("a connection would stay open behind its answer"))


async def _exchange(connection: HttpProtocol, request: bytes) -> tuple[int, bool]:
    """Send a request over an in-memory connection. Return the answer's status, and whether the connection was closed.

    The status is 0 if there was no answer.
    """
    transport = _MemoryTransport()
    connection.connection_made(transport)
    connection.data_received(request)
    for _ in range(_TURNS):
        if transport.closed:
            break
        await asyncio.sleep(0)
    answer, closed = bytes(transport.written[:12]), transport.closed
    connection.connection_lost(None)
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0, closed


def _fault(reason: str) -> ListenerFault:
    text = N_("trayalert refuses to listen: {reason}. Tell its makers, with the output of trayalert --version.")
    return ListenerFault(Phrase(text, reason=reason))
