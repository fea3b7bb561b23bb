"""An HTTP/1.1 client with persistent connections, which gives control over details that HTTP libraries hide.

The client can send a chunked body, wait for the response 100 Continue, and send a body slowly.
"""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.soak.harness.load import FORM

DEADLINE = 20.0
"""Seconds to wait for a response before the response counts as missing."""


@dataclass(frozen=True, slots=True)
class Request:
    """A callback about one resource.

    `chunked` is whether the body is sent in chunks. `expects` is whether the sender waits for the response 100 Continue
    before it sends the body.
    """

    resource: str
    body: bytes
    method: str = "POST"
    chunked: bool = False
    expects: bool = False

    def head(self, url: str) -> bytes:
        """Return the request line and the headers. If the method is GET, the query contains `body`."""
        parts = urlsplit(url)
        query = f"?{self.body.decode()}" if self.method == "GET" else ""
        lines = [f"{self.method} {parts.path}{query} HTTP/1.1", f"Host: {parts.netloc}"]
        if self.method != "GET":
            length = "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(self.body)}"
            lines += [f"Content-Type: {FORM}", length, *["Expect: 100-continue"] * self.expects]
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def content(self) -> bytes:
        """The bytes to send after the headers."""
        if self.method == "GET":
            return b""
        if not self.chunked:
            return self.body
        parts = [self.body[start : start + 1000] for start in range(0, len(self.body), 1000)]
        return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Response:
    """A response. The header names are in lower case. Status 0 means that no response came."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


async def read_response(reader: asyncio.StreamReader) -> Response:
    """Read one response, including its body."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return Response(int(lines[0].split()[1]), headers)


async def drip(writer: asyncio.StreamWriter, head: bytes, parts: Iterable[bytes], pause: float) -> None:
    """Write the head and the first part immediately, and then the next part every `pause` seconds."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    writer.write(head)
    for part in parts:
        writer.write(part)
        await writer.drain()
        due += pause
        await asyncio.sleep(max(0.0, due - loop.time()))


class Client:
    """A sender that keeps its connection open until the server closes it.

    `opened` is the number of connections that the sender has opened.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        self.opened = 0
        self._url = url
        self._context = context
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: Request) -> Response:
        """Send the request once, and return the response. The status is 0 if no response arrives within DEADLINE."""
        try:
            async with asyncio.timeout(DEADLINE):
                answer = await self._send(request)
        except (OSError, EOFError, TimeoutError, ValueError, IndexError):
            answer = Response(0)
        if not answer.status or answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def _send(self, request: Request) -> Response:
        if self._streams is None:
            parts = urlsplit(self._url)
            self._streams = await asyncio.open_connection(parts.hostname, parts.port, ssl=self._context)
            self.opened += 1
        reader, writer = self._streams
        writer.write(request.head(self._url))
        if request.expects:
            answer = await read_response(reader)
            if answer.status != 100:
                return answer
        writer.write(request.content)
        await writer.drain()
        return await read_response(reader)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None
