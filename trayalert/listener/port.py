"""Opens a port, or raises a fault that says why the port cannot be opened and what to do."""

import errno
import socket

from trayalert.domain.fault import Fault
from trayalert.listener.limits import BACKLOG

DEFAULT_HOST = "127.0.0.1"
"""Used if the settings name no host, because no URL could name an empty host."""


class ListenerFault(Fault):
    """The listener cannot be opened."""


def bind_port(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the host and port. Port 0 picks a free port. Raise `ListenerFault`."""
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
    """Return the fault for an error on opening a port.

    `port` names the port in the text. `if_taken` and `if_forbidden` say what to do if the port is in use or not
    allowed. `otherwise` is the whole text for any other error.
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
        # two sockets may be bound to the same port until one of them listens: listen now, so that a port in use is
        # noticed here
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
