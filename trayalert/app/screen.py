"""Is there a screen that Qt can draw on? Asked before Qt is, as Qt aborts the whole process where there is none."""

import contextlib
import ctypes
import os
import re
import socket
import sys
from pathlib import Path

_DISPLAY = re.compile(r"(?P<host>[^:]*):(?P<number>[0-9]+)(?:\.[0-9]+)?")


def problem() -> str | None:
    """Return a sentence that says why nothing can be drawn; None where it can."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM", "").startswith(("offscreen", "minimal", "vnc")):
        return None
    display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if not display and not wayland:
        return "there is no screen (DISPLAY and WAYLAND_DISPLAY are not set)."
    if wayland and _answers(str(Path(os.environ.get("XDG_RUNTIME_DIR", "/"), wayland))):
        return None
    if not display or not _display_answers(display):
        return f"the screen {display or wayland} does not answer."
    return _x_problem(display)


def _x_problem(display: str) -> str | None:
    if not getattr(sys, "frozen", False) and not _loads("libxcb-cursor.so.0"):
        return "the library xcb-cursor is missing, which Qt needs (Debian and Ubuntu: apt install libxcb-cursor0)."
    if not _lets_in():
        return f"the screen {display} belongs to another user, or XAUTHORITY does not name its key."
    return None


def _display_answers(display: str) -> bool:
    match = _DISPLAY.fullmatch(display)
    if match is None:
        return False
    number = int(match["number"])
    if match["host"] not in {"", "unix"}:
        with contextlib.suppress(OSError), socket.create_connection((match["host"], 6000 + number), timeout=3):
            return True
        return False
    path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - the X server's own place
    return _answers(path) or _answers(f"\0{path}")


def _lets_in() -> bool:
    """Whether the X server of DISPLAY takes our key; after `su` or `sudo` it often does not."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # Qt has its own, and will see
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    refused = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not refused


def tray_window() -> bool | None:
    """Whether a window of the X screen shows tray icons (XEmbed); None where that cannot be asked."""
    if sys.platform != "linux" or not os.environ.get("DISPLAY"):
        return None
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return None
    xcb.xcb_connect.restype = ctypes.c_void_p
    number = ctypes.c_int()
    connection = ctypes.c_void_p(xcb.xcb_connect(None, ctypes.byref(number)))
    try:
        if xcb.xcb_connection_has_error(connection):
            return None
        name = f"_NET_SYSTEM_TRAY_S{number.value}".encode()
        atom = _x_answer(xcb, "xcb_intern_atom", connection, ctypes.c_uint8(0), ctypes.c_uint16(len(name)), name)
        return bool(_x_answer(xcb, "xcb_get_selection_owner", connection, ctypes.c_uint32(atom)))
    finally:
        xcb.xcb_disconnect(connection)


class _XAnswer(ctypes.Structure):
    """How both answers begin."""

    _fields_ = (
        ("kind", ctypes.c_uint8),
        ("pad", ctypes.c_uint8),
        ("sequence", ctypes.c_uint16),
        ("length", ctypes.c_uint32),
        ("number", ctypes.c_uint32),
    )


class _XCookie(ctypes.Structure):
    """A question that was sent."""

    _fields_ = (("sequence", ctypes.c_uint),)


def _x_answer(xcb: ctypes.CDLL, question: str, connection: ctypes.c_void_p, *arguments: object) -> int:
    """Ask the X server for an atom or a window; 0 where there is none."""
    ask, hear = getattr(xcb, question), getattr(xcb, f"{question}_reply")
    ask.restype, hear.restype = _XCookie, ctypes.POINTER(_XAnswer)
    answer = hear(connection, ask(connection, *arguments), None)
    return int(answer.contents.number) if answer else 0  # a few bytes are not freed: it is asked once


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(3)
        connection.connect(address)
        return True
    return False


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
