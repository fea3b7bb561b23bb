"""Opens a port, or raises a fault that says why the port cannot be opened and what the user can do."""

import errno
import socket

from trayalert.domain.fault import Fault
from trayalert.listener.limits import BACKLOG

DEFAULT_HOST = "127.0.0.1"
"""The host on which to listen if the settings name no host."""


class ListenerFault(Fault):
    """Raised if the listener or the metrics server cannot be opened."""


def bind_port(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the host and port. Raise `ListenerFault` if the port cannot be opened.

    If `port` is 0, the system chooses a free port.
    """
    host = host or DEFAULT_HOST
    try:
        return _bind(host, port)
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: not a valid host name
        reason = f'nothing is called "{host}" here: set another host in the settings, or use --host.'
        raise ListenerFault(reason) from error
    except OSError as error:
        reason = f"the door on {host}:{port} cannot be opened: {error}."
        if error.errno == errno.EADDRNOTAVAIL:
            reason = f"this computer has no address {host}. Use 127.0.0.1, or an address of its own (--host)."
        port_name = f"port {port} on {host}"
        raise port_fault(
            error, port_name, "take another port (--port)", "Choose a port above 1023 (--port)", reason
        ) from error


def port_fault(error: OSError, port: str, if_taken: str, if_forbidden: str, otherwise: str) -> ListenerFault:
    """Return a fault that says why a port could not be opened and what the user can do.

    `port` is the port's name in the message. `if_taken` is the advice for a port that another program uses.
    `if_forbidden` is the advice for a port that this user is not allowed to open. `otherwise` is the whole message for
    any other error.
    """
    reasons = {
        errno.EADDRINUSE: f"{port} is taken by another program. End it, or {if_taken}.",
        errno.EACCES: f"{port} may not be opened by this user. {if_forbidden}.",
    }
    return ListenerFault(reasons.get(error.errno or 0, otherwise))


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind(address)
        # two sockets can be bound to the same port while neither of them listens: listen now, so that this function
        # fails if the port is in use
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
