"""A client that sends exactly the bytes it is given, including bytes that no well-behaved HTTP library would send."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from trayalert.domain.callback import Callback
from trayalert.listener.server import Listener, open_listener

SECRET = "s3cret-" + "x" * 36
DEADLINE = 5.0


@dataclass(slots=True)
class RawConnection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def read_response(self) -> bytes:
        """Return the next response, with as many bytes of body as its Content-Length says."""
        async with asyncio.timeout(DEADLINE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            return head + await self.reader.readexactly(int(length[0].split(b":")[1]) if length else 0)

    async def read_to_end(self) -> bytes:
        async with asyncio.timeout(DEADLINE):
            return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass(slots=True)
class RunningListener:
    """An open listener and the callbacks that it has received. `receive` decides whether a callback is stored."""

    listener: Listener
    received: list[Callback] = field(default_factory=list)
    receive: Callable[[Callback], bool] = lambda _: True

    @asynccontextmanager
    async def connect(self, source: str | None = None) -> AsyncIterator[RawConnection]:
        """Open a connection from the local address `source`."""
        where = (self.listener.host, self.listener.port)
        reader, writer = await asyncio.open_connection(*where, local_addr=source and (source, 0))
        connection = RawConnection(reader, writer)
        try:
            yield connection
        finally:
            await connection.close()

    async def send(self, content: bytes) -> bytes:
        """Send the bytes on a new connection and return the response."""
        async with self.connect() as connection:
            await connection.send(content)
            return await connection.read_response()


def check_secret(offered: bytes) -> str | None:
    """Return the name of the secret if it is right, else None, like the check that the program uses."""
    return "default" if offered == SECRET.encode() else None


@asynccontextmanager
async def listening(host: str = "127.0.0.1", **more: Any) -> AsyncIterator[RunningListener]:
    """Open a listener whose only right secret is SECRET, and pass `more` on to `open_listener`."""

    async def receive(callback: Callback) -> bool:
        server.received.append(callback)
        return server.receive(callback)

    listener = await open_listener(host, 0, check_secret=check_secret, receive=receive, **more)
    server = RunningListener(listener)
    try:
        yield server
    finally:
        await listener.close()


def request(
    method: str = "POST", path: str = f"/hook/{SECRET}", *headers: str, body: bytes = b"", version: str = "1.1"
) -> bytes:
    """Return a request as a well-behaved client writes it."""
    lines = [f"{method} {path} HTTP/{version}", "Host: door", *headers]
    if body and not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def without_date(answer: bytes) -> bytes:
    return b"\r\n".join(line for line in answer.split(b"\r\n") if not line.startswith(b"Date: "))
