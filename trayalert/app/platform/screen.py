"""Checks whether Qt can draw on a screen.

Run this check before creating a QApplication, because Qt aborts the process if there is no screen.
"""

import contextlib
import ctypes
import os
import re
import socket
import sys
import time
from pathlib import Path

from trayalert.app.platform import qt_libraries
from trayalert.domain.phrase import Phrase

_DISPLAY = re.compile(r"(?P<host>[^:]*):(?P<number>[0-9]+)(?:\.[0-9]+)?")
_PAUSES = (0.0, 0.02, 0.1, 0.4)
"""Seconds to wait before each attempt to connect. While an X server resets, it refuses clients for a short time."""
_NONE = Phrase("there is no screen (DISPLAY and WAYLAND_DISPLAY are not set).")


def find_screen_problem(connections: contextlib.ExitStack) -> str | None:
    """Return a sentence that says why Qt cannot draw on a screen, or None if Qt can draw.

    This function connects to the screen's server. The connections stay open until the caller closes `connections`.

    A caller that starts Qt must keep `connections` open until Qt has connected. Some X servers, such as Xvfb, reset
    when their last client disconnects. During a reset, an X server refuses clients.
    """
    if sys.platform != "linux":
        return None
    found: str | None = _NONE
    for platform in _platforms():
        found = _platform_problem(platform, connections) or qt_libraries.find_qt_problem(platform)
        if found is None:
            break
    return found


def _platforms() -> list[str]:
    """Return the names of the Qt platform plugins, in the order in which Qt will try them."""
    requested = os.environ.get("QT_QPA_PLATFORM")
    if requested:
        return [re.split("[-:]", name)[0] for name in requested.split(";")]
    variables = {"WAYLAND_DISPLAY": "wayland", "DISPLAY": "xcb"}
    return [platform for variable, platform in variables.items() if os.environ.get(variable)]


def _platform_problem(platform: str, connections: contextlib.ExitStack) -> str | None:
    if platform not in {"wayland", "xcb"}:
        return None
    screen = os.environ.get("WAYLAND_DISPLAY" if platform == "wayland" else "DISPLAY")
    if not screen:
        return _NONE
    if platform == "wayland":
        answers = _connects(str(Path(os.environ.get("XDG_RUNTIME_DIR", "/"), screen)), connections)
    else:
        answers = _display_connects(screen, connections)
    if not answers:
        return Phrase("the screen {screen} does not answer.", screen=screen)
    if platform == "xcb" and not _authorises_us(connections):
        return Phrase(
            "the screen {screen} belongs to another user, or XAUTHORITY does not name its key.", screen=screen
        )
    return None


def _display_connects(display: str, connections: contextlib.ExitStack) -> bool:
    match = _DISPLAY.fullmatch(display)
    if match is None:
        return False
    number = int(match["number"])
    if match["host"] not in {"", "unix"}:
        with contextlib.suppress(OSError):
            connections.enter_context(socket.create_connection((match["host"], 6000 + number), timeout=3))
            return True
        return False
    path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - the X server's own folder
    return _connects(path, connections) or _connects(f"\0{path}", connections)


def _authorises_us(connections: contextlib.ExitStack) -> bool:
    """Return whether the X server that DISPLAY names accepts connections from this user.

    After `su` or `sudo`, the X server often refuses the user.
    """
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # if Qt needs the library, loading Qt shows that it is missing (qt_libraries.py)
    return _connect(xcb, connections) is not None


def _connect(xcb: ctypes.CDLL, connections: contextlib.ExitStack) -> tuple[ctypes.c_void_p, int] | None:
    """Connect to the X server that DISPLAY names. Return the connection and the number of its default screen.

    Return None if the connection fails. The connection stays open until `connections` is closed.
    """
    xcb.xcb_connect.restype = ctypes.c_void_p
    number = ctypes.c_int()
    for pause in _PAUSES:
        time.sleep(pause)
        connection = ctypes.c_void_p(xcb.xcb_connect(None, ctypes.byref(number)))
        if not xcb.xcb_connection_has_error(connection):
            connections.callback(xcb.xcb_disconnect, connection)
            return connection, number.value
        xcb.xcb_disconnect(connection)
    return None


def has_xembed_tray() -> bool | None:
    """Return whether the X screen has a tray for XEmbed icons, or None if the X server cannot be asked."""
    if sys.platform != "linux" or not os.environ.get("DISPLAY"):
        return None
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return None
    with contextlib.ExitStack() as connections:
        connected = _connect(xcb, connections)
        if connected is None:
            return None
        connection, number = connected
        name = f"_NET_SYSTEM_TRAY_S{number}".encode()
        atom = _x_reply(xcb, "xcb_intern_atom", connection, ctypes.c_uint8(0), ctypes.c_uint16(len(name)), name)
        return bool(_x_reply(xcb, "xcb_get_selection_owner", connection, ctypes.c_uint32(atom)))


class _XReply(ctypes.Structure):
    """The first fields of the replies to `xcb_intern_atom` and `xcb_get_selection_owner`."""

    _fields_ = (
        ("kind", ctypes.c_uint8),
        ("pad", ctypes.c_uint8),
        ("sequence", ctypes.c_uint16),
        ("length", ctypes.c_uint32),
        ("number", ctypes.c_uint32),
    )


class _XCookie(ctypes.Structure):
    """The cookie that xcb returns for a request. The cookie is needed to get the reply."""

    _fields_ = (("sequence", ctypes.c_uint),)


def _x_reply(xcb: ctypes.CDLL, request: str, connection: ctypes.c_void_p, *arguments: object) -> int:
    """Send a request to the X server. Return the atom or window in the reply, or 0 if there is no reply."""
    send, receive = getattr(xcb, request), getattr(xcb, f"{request}_reply")
    send.restype, receive.restype = _XCookie, ctypes.POINTER(_XReply)
    reply = receive(connection, send(connection, *arguments), None)
    # the reply is not freed: it has a few bytes, and a run of the doctor gets only two replies
    return int(reply.contents.number) if reply else 0


def _connects(address: str, connections: contextlib.ExitStack) -> bool:
    # kept open, because the X server does not reset while it has a client
    connection = connections.enter_context(socket.socket(socket.AF_UNIX))
    connection.settimeout(3)
    with contextlib.suppress(OSError):
        connection.connect(address)
        return True
    return False
