"""Opens and closes the listener. The port is bound after the self-check has succeeded."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass

from trayalert.domain.callback import Callback, Receive
from trayalert.listener.acceptor import Acceptor
from trayalert.listener.access_log import AccessLog
from trayalert.listener.connection_limit import ConnectionLimit
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.hook_endpoint import AccessRules, CheckSecret, HookEndpoint
from trayalert.listener.http_protocol import HttpProtocol, Server
from trayalert.listener.large_bodies import LargeBodies
from trayalert.listener.limits import DEFAULT_LIMITS, ListenerLimits, raise_descriptor_limit
from trayalert.listener.port import DEFAULT_HOST, bind_port
from trayalert.listener.self_check import check_limits
from trayalert.listener.tls import Certificate


@dataclass(frozen=True, slots=True)
class Listener:
    """An open listener. `large_bodies` counts the large bodies of all its connections."""

    host: str
    port: int
    large_bodies: LargeBodies
    _listening: socket.socket
    _server: Server
    _connection_limit: ConnectionLimit
    _limits: ListenerLimits
    _accept_task: "asyncio.Task[None]"

    async def close(self) -> None:
        """Stop accepting connections, finish the answers in progress, and close all connections.

        Wait at most `close_deadline` seconds for the answers.
        """
        with suppress(NotImplementedError, ValueError):  # no readers on Windows; ValueError: already closed
            # without this call, asyncio would log an error if a connection came just before the task is cancelled
            asyncio.get_running_loop().remove_reader(self._listening)
        self._accept_task.cancel()
        await asyncio.wait([self._accept_task])
        self._listening.close()
        # let the event loop read requests that have already arrived, so that they are answered, too
        await asyncio.sleep(0)
        self._connection_limit.abort_idle()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_deadline):
                await self._connection_limit.wait_until_empty()
        # also waits for callbacks whose sender has already closed the connection, and ends what is still unfinished
        await self._server.shutdown(self._limits.lingering_time)
        self._connection_limit.abort_idle()


async def prove_limits(
    limits: ListenerLimits = DEFAULT_LIMITS, *, protocol_class: type[HttpProtocol] = HttpProtocol
) -> None:
    """Run the self-check, without opening a port. Raise `ListenerFault` if a limit is not in force."""
    counts = ListenerCounts()
    endpoint = HookEndpoint(_accept_any_secret, _drop_callback, counts=counts, rules=AccessRules(), limits=limits)
    await check_limits(_make_server(endpoint, ConnectionLimit(1, counts, limits), limits, protocol_class), limits)


async def open_listener(
    host: str,
    port: int,
    *,
    check_secret: CheckSecret,
    receive: Receive,
    rules: AccessRules | None = None,
    counts: ListenerCounts | None = None,
    access_log: AccessLog | None = None,
    certificate: Certificate | None = None,
    max_connections: int | None = None,
    limits: ListenerLimits = DEFAULT_LIMITS,
    protocol_class: type[HttpProtocol] = HttpProtocol,
) -> Listener:
    """Run the self-check, then listen on the host and port.

    Raise `ListenerFault` if a limit is not in force or the port cannot be opened. If `port` is 0, the system chooses a
    free port. If `max_connections` is None, the limit on connections depends on the limit on file descriptors. Tests
    pass other `limits`, or a `protocol_class` that breaks a limit.
    """
    host = host or DEFAULT_HOST
    await prove_limits(limits, protocol_class=protocol_class)
    counts = counts or ListenerCounts()
    connection_limit = ConnectionLimit(max_connections or raise_descriptor_limit(), counts, limits)
    endpoint = HookEndpoint(
        check_secret, receive, counts=counts, rules=rules or AccessRules(), limits=limits, access_log=access_log
    )
    listening = bind_port(host, port)
    server = _make_server(endpoint, connection_limit, limits, protocol_class)
    accept_task = asyncio.create_task(Acceptor(listening, server, connection_limit, limits, certificate).run())
    return Listener(
        host,
        listening.getsockname()[1],
        endpoint.large_bodies,
        listening,
        server,
        connection_limit,
        limits,
        accept_task,
    )


def _make_server(
    endpoint: HookEndpoint,
    connection_limit: ConnectionLimit,
    limits: ListenerLimits,
    protocol_class: type[HttpProtocol],
) -> Server:
    """Return a server that creates an instance of `protocol_class` for each connection.

    The self-check and the listener both use this function, so that the self-check tests the listener's own settings.
    """
    return Server(endpoint.handle, endpoint.refuse_invalid, connection_limit, limits, protocol_class)


def _accept_any_secret(_: bytes) -> str:
    return "self-check"


async def _drop_callback(_: Callback) -> bool:
    return True
