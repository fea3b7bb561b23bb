"""Opens a port, or raises a fault that says why the port cannot be opened and what the user can do."""

import errno
import socket

from trayalert.domain.fault import Fault, os_error_text
from trayalert.domain.phrase import N_, Phrase
from trayalert.listener.limits import BACKLOG

DEFAULT_HOST = "127.0.0.1"
"""The host on which to listen if the settings name no host."""

_REASONS = {
    errno.EADDRINUSE: N_("port {port} on {host} is taken by another program. End it, or take another port (--port)."),
    errno.EACCES: N_("port {port} on {host} may not be opened by this user. Choose a port above 1023 (--port)."),
    errno.EADDRNOTAVAIL: N_("this computer has no address {host}. Use 127.0.0.1, or an address of its own (--host)."),
}
"""The usual reasons why a port cannot be opened, and what the user can do."""


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
        text = N_('nothing is called "{host}" here: set another host in the settings, or use --host.')
        raise ListenerFault(Phrase(text, host=host)) from error
    except OSError as error:
        text = _REASONS.get(error.errno or 0, N_("the door on {host}:{port} cannot be opened: {error}."))
        raise ListenerFault(Phrase(text, host=host, port=port, error=os_error_text(error))) from error


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
