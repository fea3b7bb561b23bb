"""Takes connections in. With nobody at the door it sleeps.

An accept loop of our own: asyncio's takes all that come, and stops for a second where there are no descriptors.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Any

from trayalert.listener import limits
from trayalert.listener.connection import Connection
from trayalert.listener.connection_limit import Crowd
from trayalert.listener.tls import Certificate

_AT_ONCE = 32
"""So many are taken before those who are in get a turn."""
_BREATH = 0.1
"""Seconds to wait where the system has no descriptor or memory for one more."""
_SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_logger = logging.getLogger(__name__)


class Entrance:
    """Runs until it is cancelled."""

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[], Connection],
        crowd: Crowd,
        certificate: Certificate | None = None,
    ) -> None:
        self._listening = listening
        self._make = make
        self._crowd = crowd
        self._certificate = certificate
        self._loop = asyncio.get_running_loop()
        self._short = False

    async def run(self) -> None:
        """Take connections in, for ever."""
        while True:
            try:
                for _ in range(_AT_ONCE):
                    await self._take_one()
            except Exception:  # a bug of ours must not shut the door while it is said to be open
                _logger.exception("no connection can be taken in")
                await asyncio.sleep(_BREATH)
            await asyncio.sleep(0)

    async def _take_one(self) -> None:
        try:
            accepted, address = await self._loop.sock_accept(self._listening)
        except OSError as error:
            await self._recover(error)
            return
        self._short = False
        try:
            await self._crowd.room()
            self._connect(accepted, address)
        except Exception:  # a bug of ours costs one connection, never the door
            _logger.exception("a connection could not be taken in")
            accepted.close()
        except BaseException:
            accepted.close()
            raise

    def _connect(self, accepted: socket.socket, address: Any) -> None:
        connection = self._make()
        if self._certificate:
            connection.wait_for_handshake()
        connection.take(accepted, address[0] if isinstance(address, tuple) else "")
        self._crowd.enter(connection)
        connection.connecting = self._loop.create_task(self._greet(connection, accepted))
        connection.connecting.add_done_callback(lambda task: self._greeted(task, connection, accepted))

    async def _greet(self, connection: Connection, accepted: socket.socket) -> None:
        if self._certificate is None:
            await self._loop.connect_accepted_socket(lambda: connection, accepted)
            return
        await self._loop.connect_accepted_socket(
            lambda: connection,
            accepted,
            ssl=self._certificate.context(),
            ssl_handshake_timeout=limits.HANDSHAKE_DEADLINE,
            ssl_shutdown_timeout=limits.LINGERING,
        )

    def _greeted(self, task: "asyncio.Task[None]", connection: Connection, accepted: socket.socket) -> None:
        connection.connecting = None
        if task.cancelled():
            fault = None
        else:
            fault = task.exception()
            if fault is None:
                return
        if fault is not None and not isinstance(fault, OSError):
            _logger.error("a connection could not be taken in", exc_info=fault)
        self._crowd.leave(connection)
        accepted.close()  # where the task was cancelled before it began

    async def _recover(self, error: OSError) -> None:
        """Go on after an error of `accept`: who hung up in between is no news, want of descriptors makes room."""
        if error.errno in _SHORT:
            if not self._short:
                _logger.warning("no connection can be taken in: %s; the oldest idle ones are closed", error.strerror)
            self._short = True
            self._crowd.evict()
            await asyncio.sleep(_BREATH)
        elif not isinstance(error, ConnectionError):
            _logger.error("no connection can be taken in: %s", error)
            await asyncio.sleep(_BREATH)
        else:
            await asyncio.sleep(0)
