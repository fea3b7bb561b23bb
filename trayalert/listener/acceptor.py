"""Accepts connections on a listening socket.

This module replaces asyncio's accept loop, for two reasons:

- asyncio does not limit the number of open connections.
- asyncio stops accepting for a second after the process has run out of file descriptors.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Any

from trayalert.listener.connection_limit import ConnectionLimit
from trayalert.listener.http_protocol import HttpProtocol
from trayalert.listener.limits import ListenerLimits
from trayalert.listener.tls import Certificate

_ACCEPTS_PER_TURN = 32
"""Number of connections to accept in a row before the event loop serves the open connections."""
_PAUSE = 0.1
"""Seconds to wait after an error, such as a lack of file descriptors or memory."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_logger = logging.getLogger(__name__)


class Acceptor:
    """Accepts connections on a listening socket until `run` is cancelled."""

    def __init__(
        self,
        listening: socket.socket,
        make_protocol: Callable[[], HttpProtocol],
        connection_limit: ConnectionLimit,
        limits: ListenerLimits,
        certificate: Certificate | None = None,
    ) -> None:
        self._listening = listening
        self._make_protocol = make_protocol
        self._connection_limit = connection_limit
        self._limits = limits
        self._certificate = certificate
        self._loop = asyncio.get_running_loop()
        self._exhausted = False

    async def run(self) -> None:
        """Accept connections until cancelled."""
        while True:
            try:
                for _ in range(_ACCEPTS_PER_TURN):
                    await self._accept_one()
            # a bug must not end this loop, because the listener would still be reported as open
            except Exception:
                _logger.exception("no connection can be taken in")
                await asyncio.sleep(_PAUSE)
            await asyncio.sleep(0)

    async def _accept_one(self) -> None:
        try:
            accepted, address = await self._loop.sock_accept(self._listening)
        except OSError as error:
            await self._recover(error)
            return
        self._exhausted = False
        try:
            await self._connection_limit.wait_for_room()
            self._start_connection(accepted, address)
        except Exception:  # a bug may end this connection, but must not end the listener
            _logger.exception("a connection could not be taken in")
            accepted.close()
        except BaseException:
            accepted.close()
            raise

    def _start_connection(self, accepted: socket.socket, address: Any) -> None:
        connection = self._make_protocol()
        if self._certificate:
            connection.wait_for_handshake()
        connection.attach(accepted, address[0] if isinstance(address, tuple) else "")
        self._connection_limit.add(connection)
        connection.connect_task = self._loop.create_task(self._connect(connection, accepted))
        connection.connect_task.add_done_callback(lambda task: self._on_connected(task, connection, accepted))

    async def _connect(self, connection: HttpProtocol, accepted: socket.socket) -> None:
        tls: dict[str, Any] = {}
        if self._certificate:
            tls["ssl"] = self._certificate.context()
            tls["ssl_handshake_timeout"] = self._limits.handshake_deadline
            tls["ssl_shutdown_timeout"] = self._limits.lingering_time
        await self._loop.connect_accepted_socket(lambda: connection, accepted, **tls)

    def _on_connected(self, task: "asyncio.Task[None]", connection: HttpProtocol, accepted: socket.socket) -> None:
        connection.connect_task = None
        if not task.cancelled():
            fault = task.exception()
            if fault is None:
                return
            if not isinstance(fault, OSError):
                _logger.error("a connection could not be taken in", exc_info=fault)
        self._connection_limit.remove(connection)
        accepted.close()  # nothing else closes the socket if the task was cancelled before it began

    async def _recover(self, error: OSError) -> None:
        """Handle an error of `accept`, so that the accept loop can continue.

        - If the system has no file descriptor or memory left, close an idle connection to make room.
        - If the peer has already closed the new connection, log nothing.
        - Log any other error.
        """
        if error.errno in _EXHAUSTED:
            if not self._exhausted:
                _logger.warning("no connection can be taken in: %s; the oldest idle ones are closed", error.strerror)
            self._exhausted = True
            self._connection_limit.evict()
            await asyncio.sleep(_PAUSE)
        elif not isinstance(error, ConnectionError):
            _logger.error("no connection can be taken in: %s", error)
            await asyncio.sleep(_PAUSE)
        else:
            await asyncio.sleep(0)
