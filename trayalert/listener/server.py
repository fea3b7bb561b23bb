"""Opens the door: binds the port, proves that the limits are live, and lets connections in."""

import asyncio
import errno
import socket
from contextlib import suppress
from dataclasses import dataclass

from trayalert.domain.callback import Callback
from trayalert.listener import limits
from trayalert.listener.acceptor import Entrance
from trayalert.listener.access_log import AccessLog
from trayalert.listener.connection_limit import Crowd
from trayalert.listener.counts import DoorCounts
from trayalert.listener.descriptors import most_connections
from trayalert.listener.hook_endpoint import Door, Opens, Receive, Rules
from trayalert.listener.http_server import Server
from trayalert.listener.large_bodies import LargeBodies
from trayalert.listener.listener_fault import DoorFault
from trayalert.listener.self_check import check
from trayalert.listener.tls import Certificate


@dataclass(frozen=True, slots=True)
class Listener:
    """An open door."""

    host: str
    port: int
    large: LargeBodies
    """What large bodies hold now."""
    _listening: socket.socket
    _server: Server
    _crowd: Crowd
    _taking: "asyncio.Task[None]"

    async def close(self) -> None:
        """Take no more connections, let requests under way end, and close."""
        with suppress(NotImplementedError, ValueError):  # Windows' loop knows no readers; or it is closed already
            # asyncio logs an error where a connection came just before its waiting for one is cancelled
            asyncio.get_running_loop().remove_reader(self._listening)
        self._taking.cancel()
        await asyncio.wait([self._taking])
        self._listening.close()
        await asyncio.sleep(0)  # what has come by now is begun, and ends before the door closes
        self._crowd.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.CLOSING):
                await self._crowd.emptied()
        await self._server.shutdown(limits.LINGERING)  # who is still here, and callbacks whose sender has left
        self._crowd.clear()


async def prove_limits() -> None:
    """Prove that the limits are live; it needs no port. Raise DoorFault."""
    await check(_server_of(Door(_any_secret, _nowhere, counts=DoorCounts(), rules=Rules()), Crowd(1, DoorCounts())))


def try_port(host: str, port: int) -> None:
    """Take the port and let it go again. Raise DoorFault."""
    host = host or "127.0.0.1"
    try:
        _bound(host, port).close()
    except (OSError, UnicodeError) as error:
        raise DoorFault(_why(host, port, error)) from error


async def open_door(
    host: str,
    port: int,
    *,
    opens: Opens,
    receive: Receive,
    rules: Rules | None = None,
    counts: DoorCounts | None = None,
    access_log: AccessLog | None = None,
    certificate: Certificate | None = None,
    most: int | None = None,
) -> Listener:
    """Listen on host and port (0 picks a free one) with at most so many connections. Raise DoorFault."""
    host = host or "127.0.0.1"  # nothing is no address that a URL could name
    await prove_limits()
    counts = counts or DoorCounts()
    crowd = Crowd(most or most_connections(), counts)
    door = Door(opens, receive, counts=counts, rules=rules or Rules(), access_log=access_log)
    try:
        listening = _bound(host, port)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that a name server could be asked for
        raise DoorFault(_why(host, port, error)) from error
    server = _server_of(door, crowd)
    taking = asyncio.create_task(Entrance(listening, server, crowd, certificate).run())
    return Listener(host, listening.getsockname()[1], door.large, listening, server, crowd, taking)


def _server_of(door: Door, crowd: Crowd) -> Server:
    """Return what makes connections: the same for the self-check and for strangers."""
    return Server(door.answer, door.refuse, crowd, **limits.http_limits())


def _any_secret(_: bytes) -> str:
    return "self-check"


async def _nowhere(_: Callback) -> bool:
    return True


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind(address)
        # two bound sockets may share a port until one of them listens: be that one, or fail here
        listening.listen(limits.BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _why(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return f'nothing is called "{host}" here: set another host in the settings, or use --host.'
    reasons = {
        errno.EADDRINUSE: f"port {port} on {host} is taken by another program. End it, or take another port (--port).",
        errno.EACCES: f"port {port} on {host} may not be opened by this user. Choose a port above 1023 (--port).",
        errno.EADDRNOTAVAIL: f"this computer has no address {host}. Use 127.0.0.1, or an address of its own (--host).",
    }
    return reasons.get(error.errno or 0, f"the door on {host}:{port} cannot be opened: {error}.")
